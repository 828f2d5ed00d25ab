; SRFI 69's names; they are gone through in the order of insertion.
(define t (make-hash-table))
(hash-table-set! t 'b 2)
(hash-table-set! t "a" 1)
(hash-table-set! t '(x y) 3)
(hash-table-set! t 'b 20)
(writeln (hash-table? t)) ; => #t
(writeln (hash-table-ref/default t 'b 0)) ; => 20
(writeln (hash-table-ref/default t "a" 0)) ; => 1
(writeln (hash-table-ref/default t (list 'x 'y) 0)) ; => 3
(writeln (hash-table-ref/default t 'none 0)) ; => 0
(writeln (hash-table-ref t 'none (lambda () 'failed))) ; => failed
(writeln (hash-table-ref t 'b)) ; => 20
(writeln (hash-table-size t)) ; => 3
(writeln (hash-table-keys t)) ; => (b "a" (x y))
(writeln (hash-table-values t)) ; => (20 1 3)
(writeln (hash-table->alist t)) ; => ((b . 20) ("a" . 1) ((x y) . 3))
(hash-table-update! t 'b (lambda (x) (+ x 1)))
(hash-table-update!/default t 'n (lambda (x) (+ x 1)) 100)
(hash-table-delete! t "a")
(writeln (hash-table->alist t)) ; => ((b . 21) ((x y) . 3) (n . 101))
(writeln (list (hash-table-exists? t "a") (hash-table-exists? t 'n))) ; => (#f #t)
(define sum 0)
(hash-table-walk t (lambda (k v) (set! sum (+ sum v))))
(writeln sum) ; => 125
(define copy (hash-table-copy t))
(hash-table-set! copy 'b 'changed)
(writeln (hash-table-ref/default t 'b 0)) ; => 21
(hash-table-clear! copy)
(writeln (hash-table-size copy)) ; => 0
(hash-table-ref t 'none)
; error: RangeError
