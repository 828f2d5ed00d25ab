; What nothing handles ends the program, with the position of the call.
(writeln 'before) ; => before
(define (check n)
  (if (< n 0) (error "negative number" n) n))
(writeln (check 3)) ; => 3
(check -4)
(writeln 'never)
; error: UserError error-uncaught.scm:4:15
