; As many arguments as the list has.
(writeln (apply + (iota 10000))) ; => 49995000
(writeln (length (apply list (iota 50000)))) ; => 50000
(writeln (apply max (iota 1000))) ; => 999
(writeln ((lambda args (length args)) 1 2 3)) ; => 3
(define (f . rest) (if (> (length rest) 1000) 'many 'few))
(writeln (apply f (iota 2000))) ; => many
