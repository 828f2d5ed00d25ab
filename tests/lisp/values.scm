; R7RS 6.10.
(writeln (call-with-values (lambda () (values 4 5)) (lambda (a b) b))) ; => 5
(writeln (call-with-values * -)) ; => -1
(writeln (call-with-values (lambda () 1) list)) ; => (1)
(writeln (call-with-values values list)) ; => ()
(writeln (call-with-values (lambda () (apply values (iota 100))) (lambda all (length all)))) ; => 100
(writeln (+ 1 (values 2))) ; => 3
(begin (values 1 2 3) (writeln 'ignored)) ; => ignored
(define (f x) (values x (* x x)))
(writeln (let-values (((a b) (f 3))) (+ a b))) ; => 12
(writeln (call-with-values (lambda () (if #t (f 2) 0)) list)) ; => (2 4)
(call-with-values (lambda () (values 1 2)) (lambda (a) a))
; error: ArityError
