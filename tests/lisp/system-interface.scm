; R7RS 6.14: features.
(writeln (and (memq 'r7rs (features)) #t)) ; => #t
(writeln (and (memq 'full-unicode (features)) #t)) ; => #t
(writeln (every symbol? (features))) ; => #t
