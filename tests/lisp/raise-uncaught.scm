; Any object may be raised, and ends the program if nothing handles it.
(writeln 'before) ; => before
(raise 'just-a-symbol)
; error: UserError
