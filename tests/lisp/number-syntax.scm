; R7RS 7.1.1: how numbers are written and read.
(writeln (list #xff #b101 #o17 #d10 #e1.5 #i1/2 #x-Ff #e1e3)) ; => (255 5 15 10 3/2 0.5 -255 1000)
(writeln (list 1.5 .5 5. -0.25 1e3 1E-2 12345678901234567890.0)) ; => (1.5 0.5 5.0 -0.25 1000.0 0.01 12345678901234567000.0)
(writeln (list 1/2 -6/4 +5 10/5)) ; => (1/2 -3/2 5 2)
(writeln (list +inf.0 -inf.0 +nan.0 -0.0)) ; => (+inf.0 -inf.0 +nan.0 -0.0)
(writeln (list 1e21 1e100 1e-7 1.7976931348623157e308 5e-324 0.1 100.0)) ; => (1e21 1e100 1e-7 1.7976931348623157e308 5e-324 0.1 100.0)
(writeln (map symbol? '(+ - ... -> +a 1+ - -- +.a .. +5))) ; => (#t #t #t #t #t #t #t #t #t #t #f)
(number->string 5 3)
; error: RangeError
