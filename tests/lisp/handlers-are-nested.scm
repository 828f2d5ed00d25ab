; R7RS 6.11: a handler runs with the handlers that were there outside of its own with-exception-handler.
(define trail '())
(define (note x) (set! trail (cons x trail)))
(writeln
 (with-exception-handler
  (lambda (e) (note (list 'outer e)) (* 2 e))
  (lambda ()
    (with-exception-handler
     (lambda (e) (note (list 'inner e)) (+ 1 (raise-continuable (* 10 e))))
     (lambda () (+ 1000 (raise-continuable 5))))))) ; => 1101
(writeln (reverse trail)) ; => ((inner 5) (outer 50))
; An error in a handler goes to the next one.
(writeln
 (guard (e (#t (condition-code e)))
   (with-exception-handler
    (lambda (e) (car e))
    (lambda () (raise 'not-a-pair))))) ; => TypeError
(writeln
 (call/cc (lambda (k)
   (with-exception-handler
    (lambda (e) (k (list 'outer (error-object-message e))))
    (lambda () (with-exception-handler (lambda (e) (error "in the handler" e)) (lambda () (raise 'x)))))))) ; => (outer "in the handler")
