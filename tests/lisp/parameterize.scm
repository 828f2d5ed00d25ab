; R7RS 4.2.6.
(define radix (make-parameter 10 (lambda (x) (if (and (exact-integer? x) (<= 2 x 16)) x (error "invalid radix" x)))))
(define (f n) (number->string n (radix)))
(writeln (f 12)) ; => "12"
(writeln (parameterize ((radix 2)) (f 12))) ; => "1100"
(writeln (f 12)) ; => "12"
(writeln (guard (e (#t (list (error-object-message e) (error-object-irritants e)))) (parameterize ((radix 0)) (f 12)))) ; => ("invalid radix" (0))
(writeln (radix)) ; => 10
(define a (make-parameter 1))
(define b (make-parameter 2))
(writeln (parameterize ((a (b)) (b (a))) (list (a) (b)))) ; => (2 1)
(writeln (parameterize ((a 5)) (parameterize ((a 6)) (parameterize () (list (a) (b)))))) ; => (6 2)
