(writeln (guard (e (#t (condition-code e))) (parameterize ((car 1)) 2))) ; => TypeError
(parameterize ((5 1)) 2)
; error: TypeError
