; R7RS 4.1.3: operator and operands are expressions; every procedure may be the operator.
(writeln (+ 3 4)) ; => 7
(writeln ((if #f + *) 3 4)) ; => 12
(writeln ((lambda (x) (* x x)) 5)) ; => 25
(writeln (((lambda (x) (lambda (y) (- x y))) 10) 4)) ; => 6
