; R7RS 4.2.1.
(writeln (and (= 2 2) (> 2 1))) ; => #t
(writeln (and (= 2 2) (< 2 1))) ; => #f
(writeln (and 1 2 'c '(f g))) ; => (f g)
(writeln (and)) ; => #t
(writeln (or (= 2 2) (> 2 1))) ; => #t
(writeln (or (= 2 2) (< 2 1))) ; => #t
(writeln (or #f #f #f)) ; => #f
(writeln (or (memq 'b '(a b c)) (/ 3 0))) ; => (b c)
(writeln (or)) ; => #f
(writeln (and #f (car '()))) ; => #f
(when (> 2 1) (writeln 1) (writeln 2))
; => 1
; => 2
(unless (> 2 1) (writeln 'never))
(writeln (when #t 1 2 3)) ; => 3
(writeln (unless #f 1 2 3)) ; => 3
