; R7RS 6.14: features and the clock.
(writeln (and (memq 'r7rs (features)) #t)) ; => #t
(writeln (and (memq 'full-unicode (features)) #t)) ; => #t
(writeln (every symbol? (features))) ; => #t
(writeln (exact-integer? (jiffies-per-second))) ; => #t
(writeln (exact-integer? (current-jiffy))) ; => #t
