; R7RS 4.2.6: the converter is applied to the initial value and to each value that is bound, and not when it is left.
(define conversions 0)
(define p (make-parameter 1 (lambda (x) (set! conversions (+ conversions 1)) (* x 10))))
(writeln (list (p) conversions)) ; => (10 1)
(writeln (parameterize ((p 2)) (p))) ; => 20
(writeln (list (p) conversions)) ; => (10 2)
; Re-entering does not convert again.
(define k #f)
(define rounds 0)
(parameterize ((p 3))
  (call/cc (lambda (c) (set! k c)))
  (set! rounds (+ rounds 1))
  (writeln (p)))
; => 30
; => 30
(if (< rounds 2) (k #f))
(writeln conversions) ; => 3
