; R7RS 6.11: a handler that returns from raise: a second exception in the dynamic environment of the outer handler.
(define trail '())
(define (note x) (set! trail (cons x trail)))
(guard (e (#t (note 'outer)))
  (with-exception-handler
   (lambda (e) (note (list 'inner e)) 'returned)
   (lambda () (raise 'oops) (note 'never))))
(writeln (reverse trail)) ; => ((inner oops) outer)
(writeln 'before) ; => before
(with-exception-handler
 (lambda (e) (display "something went wrong") (newline))
 (lambda () (+ 1 (raise 'an-error))))
; => something went wrong
; error: UserError
