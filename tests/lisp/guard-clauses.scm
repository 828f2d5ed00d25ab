; R7RS 4.2.7.
(writeln
 (guard (condition ((assq 'a condition) => cdr) ((assq 'b condition)))
   (raise (list (cons 'a 42))))) ; => 42
(writeln
 (guard (condition ((assq 'a condition) => cdr) ((assq 'b condition)))
   (raise (list (cons 'b 23))))) ; => (b . 23)
(writeln (guard (e ((string? e) 'string) (else 'other)) (raise 'x))) ; => other
(writeln (guard (e (#f 'never)) 'no-error)) ; => no-error
(writeln (call-with-values (lambda () (guard (e (#t #f)) (values 1 2))) list)) ; => (1 2)
(writeln (guard (e (#t (call-with-values (lambda () (values e e)) list))) (raise 1))) ; => (1 1)
