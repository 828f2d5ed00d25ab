; R7RS 6.10: a before- or after-thunk runs in the dynamic environment of the call of dynamic-wind; one may escape.
(define trail '())
(define (note x) (set! trail (cons x trail)))
(writeln
 (call/cc
  (lambda (k)
    (dynamic-wind
     (lambda () (note 'outer-in))
     (lambda ()
       (dynamic-wind
        (lambda () (note 'inner-in) (k 'escaped-from-before))
        (lambda () (note 'never))
        (lambda () (note 'never))))
     (lambda () (note 'outer-out)))))) ; => escaped-from-before
(writeln (reverse trail)) ; => (outer-in inner-in outer-out)
(set! trail '())
(writeln
 (call/cc
  (lambda (k)
    (dynamic-wind
     (lambda () (note 'in))
     (lambda () (note 'body))
     (lambda () (note 'out) (k 'escaped-from-after)))))) ; => escaped-from-after
(writeln (reverse trail)) ; => (in body out)
; While it unwinds, what it already left is not left again.
(set! trail '())
(writeln
 (call/cc
  (lambda (k1)
    (call/cc
     (lambda (k2)
       (dynamic-wind
        (lambda () #f)
        (lambda () (dynamic-wind (lambda () #f) (lambda () (k2 'first)) (lambda () (note 'inner) (k1 'second))))
        (lambda () (note 'outer)))))))) ; => second
(writeln (reverse trail)) ; => (inner outer)
