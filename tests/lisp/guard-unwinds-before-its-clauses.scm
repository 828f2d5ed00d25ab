; R7RS 4.2.7: the clauses run outside of the body, in the dynamic environment of the guard.
(define trail '())
(define (note x) (set! trail (cons x trail)))
(define p (make-parameter 'outside))
(guard (e (#t (note (list e (p)))))
  (parameterize ((p 'inside))
    (dynamic-wind
     (lambda () (note 'before))
     (lambda () (raise (p)))
     (lambda () (note 'after)))))
(writeln (reverse trail)) ; => (before after (inside outside))
