; R7RS 6.11.
(writeln
 (call-with-current-continuation
  (lambda (k)
    (with-exception-handler
     (lambda (e) (display "condition: ") (write e) (newline) (k 'exception))
     (lambda () (+ 1 (raise 'an-error)))))))
; => condition: an-error
; => exception
(writeln
 (with-exception-handler
  (lambda (con)
    (cond ((string? con) (display con)) (else (display "a warning has been issued")))
    42)
  (lambda ()
    (+ (raise-continuable "should be a number") 23))))
; => should be a number65
(writeln (with-exception-handler (lambda (e) 'unused) (lambda () 'no-error))) ; => no-error
(writeln (call-with-values (lambda () (with-exception-handler (lambda (e) 0) (lambda () (values 1 2)))) list)) ; => (1 2)
