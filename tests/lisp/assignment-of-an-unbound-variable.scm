; R7RS 4.1.6: set! needs a variable that was defined.
(set! never-defined 1)
; error: UnboundVariable
