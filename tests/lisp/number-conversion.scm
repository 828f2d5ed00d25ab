; R7RS 6.2.7.
(writeln (map string->number '("100" "1e2" "-5/10" ".5" "+inf.0" "abc" "" "1/0" "1 2" "#xff" "1e" "--1" "1.2.3" "#e1.5"))) ; => (100 100.0 -1/2 0.5 +inf.0 #f #f #f #f 255 #f #f #f 3/2)
(writeln (list (string->number "100" 16) (string->number "ff" 16) (string->number "12" 2) (string->number "#b101" 16))) ; => (256 255 #f 5)
(writeln (map number->string '(0 -7 1.5 1/3 1e21 100000000000000000000))) ; => ("0" "-7" "1.5" "1/3" "1e21" "100000000000000000000")
(writeln (list (number->string 255 16) (number->string -10 2) (number->string 1/3 2))) ; => ("ff" "-1010" "1/11")
; What is printed reads back as the same number.
(define numbers (list 0.1 1e23 123456.789 1.0000000000000002 (/ 1.0 3) 2.2250738585072014e-308 4.35 (sqrt 2) (exp 100)))
(writeln (every (lambda (x) (eqv? x (string->number (number->string x)))) numbers)) ; => #t
(string->number 5)
; error: TypeError
