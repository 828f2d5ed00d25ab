; R7RS 4.2.2: as many values as variables.
(writeln 'before) ; => before
(let-values (((a b) (values 1 2 3))) a)
; error: ArityError
