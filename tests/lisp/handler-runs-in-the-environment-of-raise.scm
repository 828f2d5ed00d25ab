; R7RS 6.11: a handler sees the parameters of the place where raise was called, and nothing was unwound yet.
(define p (make-parameter 'outside))
(define trail '())
(define (note x) (set! trail (cons x trail)))
(writeln
 (with-exception-handler
  (lambda (e) (note (p)) 'resumed)
  (lambda ()
    (parameterize ((p 'inside))
      (dynamic-wind (lambda () (note 'in)) (lambda () (raise-continuable 'x)) (lambda () (note 'out))))))) ; => resumed
(writeln (reverse trail)) ; => (in inside out)
