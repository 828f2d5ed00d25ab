; R7RS 4.2.2.
(writeln (let-values (((root rem) (exact-integer-sqrt 32))) (* root rem))) ; => 35
(writeln (let ((a 'a) (b 'b) (x 'x) (y 'y))
           (let*-values (((a b) (values x y)) ((x y) (values a b)))
             (list a b x y)))) ; => (x y x y)
(writeln (let ((a 'a) (b 'b) (x 'x) (y 'y))
           (let-values (((a b) (values x y)) ((x y) (values a b)))
             (list a b x y)))) ; => (x y a b)
(writeln (let-values (((a . rest) (values 1 2 3)) (all (values 4 5)) (() (values))) (list a rest all))) ; => (1 (2 3) (4 5))
(writeln (let-values () 'empty)) ; => empty
(writeln (let*-values (((a) (values 1)) ((b c) (values (+ a 1) (+ a 2)))) (list a b c))) ; => (1 2 3)
