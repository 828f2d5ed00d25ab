; R7RS 6.10: procedure?, apply, and the procedures of strings that call back.
(writeln (map procedure? (list car 'car (lambda (x) (* x x)) '(lambda (x) (* x x))))) ; => (#t #f #t #f)
(writeln (call-with-current-continuation procedure?)) ; => #t
(writeln (procedure? (make-parameter 1))) ; => #t
(writeln (apply + (list 3 4))) ; => 7
(define compose (lambda (f g) (lambda args (f (apply g args)))))
(writeln ((compose sqrt *) 12 75)) ; => 30
(writeln (apply + 1 2 '(3 4 5))) ; => 15
(writeln (apply list '())) ; => ()
(writeln (apply apply (list + (list 1 2)))) ; => 3
