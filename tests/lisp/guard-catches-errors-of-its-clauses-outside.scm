; An error in a clause goes to the next guard.
(writeln
 (guard (e (#t (list 'second e)))
   (guard (e (#t (raise (list 'from-clause e))))
     (raise 'first)))) ; => (second (from-clause first))
