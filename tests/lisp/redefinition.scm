; A program may define a name of the language anew: its own code sees that, the language's own does not.
(define (car x) 'mine)
(writeln (car '(1 2))) ; => mine
(writeln (map (lambda (x) x) '(1 2))) ; => (1 2)
(writeln (cadr '(1 2))) ; => 2
(define old-plus +)
(set! + (lambda args (apply old-plus 100 args)))
(writeln (+ 1 2)) ; => 103
(writeln (length '(1 2))) ; => 2
(define (list . x) (vector 'not-a-list x))
(writeln (list 1)) ; => #(not-a-list (1))
(writeln `(1 ,(- 3 1))) ; => (1 2)
(let ((if list) (quote -)) (writeln (if 1 2 3)))
; => #(not-a-list (1 2 3))
(define vector-ref (lambda (v i) i))
(writeln (vector-ref '#(a b) 1)) ; => 1
