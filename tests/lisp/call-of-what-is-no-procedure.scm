; R7RS 4.1.3: calling a value that is no procedure is a TypeError at the call.
(define x 5)
(writeln x) ; => 5
(x 1)
; error: TypeError call-of-what-is-no-procedure.scm:4:1
