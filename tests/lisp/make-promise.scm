; R7RS 4.2.5: a promise of a value; of a promise, that promise.
(define p (make-promise 5))
(writeln (promise? p)) ; => #t
(writeln (force p)) ; => 5
(writeln (eq? p (make-promise p))) ; => #t
(writeln (map promise? (list 1 "p" (lambda () 1) (delay 1) (delay-force (delay 1))))) ; => (#f #f #f #t #t)
