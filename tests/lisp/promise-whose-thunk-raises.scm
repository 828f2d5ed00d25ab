; A promise whose thunk raised is tried again by the next force.
(define tries 0)
(define p (delay (begin (set! tries (+ tries 1)) (if (< tries 3) (raise 'not-yet) 'at-last))))
(define (try) (guard (e ((symbol? e) e)) (force p)))
(writeln (try)) ; => not-yet
(writeln (try)) ; => not-yet
(writeln (try)) ; => at-last
(writeln (try)) ; => at-last
(writeln tries) ; => 3
