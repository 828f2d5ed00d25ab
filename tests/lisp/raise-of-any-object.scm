; R7RS 6.11: what is raised arrives as it is.
(writeln (map (lambda (x) (guard (e (#t (eq? e x))) (raise x))) (list 1 "s" 'a '() #f #t (list 1) (vector) car))) ; => (#t #t #t #t #t #t #t #t #t)
(writeln (guard (e ((not e) 'false)) (raise #f))) ; => false
(writeln (with-exception-handler (lambda (e) (list 'handled e)) (lambda () (raise-continuable #f)))) ; => (handled #f)
(raise '(a list))
; error: UserError
