; An error in a procedure says where, and which calls led there.
(define (inner x)
  (vector-ref x 10))
(define (middle x) (+ 1 (inner x)))
(define (outer x) (* 2 (middle x)))
(writeln 'before) ; => before
(outer (vector 1 2 3))
; error: RangeError error-position-and-backtrace.scm:3:3
