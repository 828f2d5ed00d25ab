; A string that doubles for ever ends with a typed error.
(define (double s) (double (string-append s s)))
(writeln (guard (e (#t (condition-code e))) (double "abcdefgh"))) ; => HeapLimit
(writeln (+ 1 2)) ; => 3
