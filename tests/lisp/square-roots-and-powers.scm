; R7RS 6.2.6.
(writeln (list (sqrt 9) (sqrt 16.0) (sqrt 1/4) (sqrt 2))) ; => (3 4.0 1/2 1.4142135623730951)
(writeln (call-with-values (lambda () (exact-integer-sqrt 4)) list)) ; => (2 0)
(writeln (call-with-values (lambda () (exact-integer-sqrt 5)) list)) ; => (2 1)
(writeln (list (expt 2 10) (expt 2 -2) (expt 2.0 0.5) (expt 0 0) (expt 1/2 3))) ; => (1024 1/4 1.4142135623730951 1 1/8)
(writeln (list (exp 1) (log 2) (log 8 2))) ; => (2.718281828459045 0.6931471805599453 3.0)
(writeln (list (sin 1) (cos 1) (tan 1))) ; => (0.8414709848078965 0.5403023058681398 1.5574077246549023)
(writeln (list (asin 1) (acos 1.0) (atan 1) (atan 1 -1) (atan -1 -1))) ; => (1.5707963267948966 0.0 0.7853981633974483 2.356194490192345 -2.356194490192345)
(exact-integer-sqrt -1)
; error: RangeError
