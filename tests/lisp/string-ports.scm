; R7RS 6.13: reading from and writing to strings.
(define p (open-input-string "hello (a . b) 42"))
(writeln (read-char p)) ; => #\h
(writeln (peek-char p)) ; => #\e
(writeln (read-string 4 p)) ; => "ello"
(writeln (read p)) ; => (a . b)
(writeln (read p)) ; => 42
(writeln (eof-object? (read p))) ; => #t
(writeln (eof-object? (read-char p))) ; => #t
(writeln (eof-object? (peek-char p))) ; => #t
(define out (open-output-string))
(write 'piece out)
(display " by " out)
(write "piece" out)
(write-char #\. out)
(newline out)
(writeln (get-output-string out)) ; => "piece by \"piece\".\n"
(define lines (open-input-string "one\ntwo\n\nlast"))
(writeln (read-line lines)) ; => "one"
(writeln (read-line lines)) ; => "two"
(writeln (read-line lines)) ; => ""
(writeln (read-line lines)) ; => "last"
(writeln (eof-object? (read-line lines))) ; => #t
(writeln (char-ready? (open-input-string "x"))) ; => #t
(writeln (read-string 0 (open-input-string "x"))) ; => ""
(writeln (eof-object? (read-string 3 (open-input-string "")))) ; => #t
(write-string "abcdef" out 2 4)
(writeln (get-output-string out)) ; => "piece by \"piece\".\ncd"
(writeln (eof-object? (read-char))) ; => #t
