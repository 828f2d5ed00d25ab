; A handler that raises for ever, each time deeper, ends with a typed error.
(define (again e) (with-exception-handler again (lambda () (raise e))))
(guard (e ((error-object? e) (writeln (condition-code e)))) (with-exception-handler again (lambda () (raise 'x))))
; => HeapLimit
(writeln 'alive) ; => alive
