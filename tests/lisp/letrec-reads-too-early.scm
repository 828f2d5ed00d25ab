; R7RS 4.2.2: a variable of letrec* that is read before it has a value.
(writeln 'before) ; => before
(letrec* ((a b) (b 1)) a)
; error: UnboundVariable
