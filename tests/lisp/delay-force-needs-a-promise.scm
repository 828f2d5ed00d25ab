; R7RS 4.2.5: the expression of delay-force must give a promise.
(define p (delay-force 5))
(writeln 'made) ; => made
(force p)
; error: TypeError
