; R7RS 6.11.
(define (null-list? l)
  (cond ((pair? l) #f) ((null? l) #t) (else (error "null-list?: argument out of domain" l))))
(define e (guard (e (#t e)) (null-list? 5)))
(writeln (error-object? e)) ; => #t
(writeln (error-object-message e)) ; => "null-list?: argument out of domain"
(writeln (error-object-irritants e)) ; => (5)
(writeln (condition-code e)) ; => UserError
(writeln (map error-object? (list 'e "e" 5 '()))) ; => (#f #f #f #f)
(writeln (error-object-irritants (guard (e (#t e)) (error "none")))) ; => ()
(writeln (guard (e ((error-object? e) 'error-object) (else 'other)) (car 5))) ; => error-object
(writeln (guard (e ((read-error? e) 'read) ((file-error? e) 'file) (else 'other)) (car 5))) ; => other
(writeln (guard (e ((read-error? e) 'read) (else 'other)) (read (open-input-string "(1 2")))) ; => read
(writeln (guard (e ((read-error? e) 'read) (else 'other)) (read (open-input-string ")")))) ; => read
(error-object-message 5)
; error: TypeError
