; R7RS 6.4.
(define x (list 'a 'b 'c))
(define y x)
(writeln (list? y)) ; => #t
(set-cdr! x 4)
(writeln y) ; => (a . 4)
(writeln (eqv? x y)) ; => #t
(writeln (list? y)) ; => #f
(set-cdr! x x)
(writeln (list? x)) ; => #f
(writeln (map pair? (list '(a . b) '(a b c) '() '#(a b)))) ; => (#t #t #f #f)
(writeln (cons 'a '())) ; => (a)
(writeln (cons '(a) '(b c d))) ; => ((a) b c d)
(writeln (cons "a" '(b c))) ; => ("a" b c)
(writeln (cons 'a 3)) ; => (a . 3)
(writeln (cons '(a b) 'c)) ; => ((a b) . c)
(writeln (car '((a) b c d))) ; => (a)
(writeln (cdr '((a) b c d))) ; => (b c d)
(writeln (cdr '(1 . 2))) ; => 2
(writeln (guard (e (#t (condition-code e))) (car '()))) ; => TypeError
(writeln (guard (e (#t (condition-code e))) (set-car! '() 1))) ; => TypeError
(cdr '())
; error: TypeError
