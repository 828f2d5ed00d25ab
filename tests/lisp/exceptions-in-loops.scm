; A loop that raises and catches a hundred thousand times keeps nothing.
(define (f i) (guard (e ((number? e) (+ e 1))) (raise i)))
(writeln (let loop ((i 0)) (if (< i 100000) (loop (f i)) i))) ; => 100000
(define (g i) (with-exception-handler (lambda (e) (+ e 1)) (lambda () (raise-continuable i))))
(writeln (let loop ((i 0)) (if (< i 100000) (loop (g i)) i))) ; => 100000
