; R7RS 4.2.3: in order; at the top level its definitions are the top level's.
(define x 0)
(writeln (and (= x 0) (begin (set! x 5) (+ x 1)))) ; => 6
(begin (define y 1) (define z 2))
(writeln (+ y z)) ; => 3
(begin)
(begin (writeln 1) (writeln 2))
; => 1
; => 2
