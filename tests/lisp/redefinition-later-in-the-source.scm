; A use above the definition sees the definition, too, once it ran.
(define (use x) (cdr x))
(writeln (use '(1 2))) ; => (2)
(define (cdr x) 'mine)
(writeln (use '(1 2))) ; => mine
