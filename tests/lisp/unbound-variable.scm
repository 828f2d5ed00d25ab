; R7RS 4.1.1: a variable that has no value.
(define (f) (+ 1 not-defined-anywhere))
(writeln 'before) ; => before
(f)
; error: UnboundVariable
