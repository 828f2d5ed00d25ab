; Hash tables that are changed while they are gone through, keys that change, circular keys, callbacks that leave and
; come again: what goes through a table sees what it had at the beginning.
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define t (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 5)) (hash-table-set! t i (* i i)))
(define seen '())
(hash-table-walk t (lambda (key value) (set! seen (cons key seen)) (hash-table-delete! t (+ key 1)) (hash-table-set! t (+ key 100) value)))
(writeln (list (reverse seen) (hash-table-keys t))) ; => ((0 1 2 3 4) (0 100 101 102 103 104))
(hash-table-walk t (lambda (key value) (hash-table-clear! t)))
(writeln (hash-table-size t)) ; => 0
(hash-table-set! t 'k 1)
(hash-table-update! t 'k (lambda (value) (hash-table-delete! t 'k) (+ value 1)))
(writeln (hash-table->alist t)) ; => ((k . 2))
; A key that changes is not found under its new face, nor, as a rule, under the old one; the table stays whole.
(define key (list 1 2))
(hash-table-set! t key 'mine)
(set-car! key 9)
(writeln (list (hash-table-ref/default t '(1 2) #f) (hash-table-size t) (hash-table-keys t))) ; => (#f 2 (k (9 2)))
(do ((i 0 (+ i 1))) ((= i 1000)) (hash-table-set! t i i))
(do ((i 0 (+ i 1))) ((= i 1000)) (hash-table-delete! t i))
(writeln (list (hash-table-size t) (hash-table-values t))) ; => (2 (2 mine))
; Circular keys.
(define (ring) (let ((l (list 1 2 3))) (set-cdr! (cddr l) l) l))
(define c (make-hash-table))
(hash-table-set! c (ring) 'ring)
(writeln (list (hash-table-ref/default c (ring) #f) (= (hash (ring)) (hash (ring))))) ; => (ring #t)
(hash-table-set! c c 'itself)
(writeln (list (hash-table-ref c c) (hash-table-size c))) ; => (itself 2)
; NaN is the same as itself, the zeros are two, and so are 2 and 2.0.
(define n (make-hash-table))
(for-each (lambda (key) (hash-table-set! n key #t)) (list (/ 0. 0.) (/ 0. 0.) 0.0 -0.0 2 2.0))
(writeln (hash-table-size n)) ; => 5
; Callbacks that raise, leave, and come again.
(writeln (code (hash-table-walk n (lambda (key value) (car key))))) ; => TypeError
(writeln (guard (e (#t e)) (hash-table-update! n 'none (lambda (x) x) (lambda () (raise (list 1)))))) ; => (1)
(writeln (call/cc (lambda (k) (hash-table-walk n (lambda (key value) (k 'left)))))) ; => left
(writeln (list (code (hash-table-ref n 'none)) (code (hash-table-update! n 'none list)) (hash-table-exists? n 'none))) ; => (RangeError RangeError #f)
(define again #f)
(define times 0)
(define w (hash-table 'a 1 'b 2 'c 3))
(writeln (hash-table-fold w (lambda (key value all) (call/cc (lambda (k) (if (eq? key 'b) (set! again k)))) (cons key all)) '())) ; => (c b a)
; => (c b a)
; => (c b a)
(set! times (+ times 1))
(hash-table-clear! w)
(if (< times 3) (again #f))
; An equivalence of the program's own is refused: nobody else's code runs within a table.
(writeln (list (code (make-hash-table (lambda (a b) (raise 'within)))) (code (make-hash-table string-ci=?)) (code (alist->hash-table '() car)))) ; => (TypeError TypeError TypeError)
(writeln (list (code (hash-table-set! (make-hash-table string=?) 'symbol 1)) (code (alist->hash-table '((1 . 2)) string=?)) (code (alist->hash-table '(1))) (code (alist->hash-table 5)))) ; => (TypeError TypeError TypeError TypeError)
(writeln (list (code (make-hash-table equal? hash :size 1e100)) (code (make-hash-table equal? hash :size (expt 10 12))) (code (hash-table 1)) (code (hash 1 0)) (code (hash 1 -1)) (code (string-hash 5)) (code (hash-table-ref 5 1)))) ; => (TypeError RangeError ArityError RangeError RangeError TypeError TypeError)
(define same (ring))
(set-car! same same)
(writeln (code (alist->hash-table same))) ; => TypeError
