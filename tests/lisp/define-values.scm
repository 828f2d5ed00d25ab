; R7RS 5.3.3.
(writeln (let () (define-values (x y) (exact-integer-sqrt 17)) (list x y))) ; => (4 1)
(writeln (let () (define-values (x y) (values 1 2)) (+ x y))) ; => 3
(define-values (a . rest) (values 1 2 3))
(writeln (list a rest)) ; => (1 (2 3))
(define-values all (values 1 2))
(writeln all) ; => (1 2)
(define-values () (values))
(define (f) (define-values (p q) (values 'p 'q)) (define r (list p q)) r)
(writeln (f)) ; => (p q)
