; Assignment to a part of shared data is seen through every way.
(define a (list 1 2))
(define b (list a a))
(set-car! a 'x)
(writeln b) ; => ((x 2) (x 2))
(define v (make-vector 2 (list 0)))
(set-car! (vector-ref v 0) 1)
(writeln v) ; => #((1) (1))
