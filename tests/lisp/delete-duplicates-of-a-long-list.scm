; Without a predicate in a time that grows as the list does.
(define long (append (iota 50000) (iota 50000) (map number->string (iota 50000))))
(writeln (length (delete-duplicates long))) ; => 100000
