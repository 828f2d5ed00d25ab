; R7RS 4.1.2: what evaluates to itself, and quote.
(writeln 'a) ; => a
(writeln '#(a b c)) ; => #(a b c)
(writeln '(+ 1 2)) ; => (+ 1 2)
(writeln '"abc") ; => "abc"
(writeln "abc") ; => "abc"
(writeln '145932) ; => 145932
(writeln 145932) ; => 145932
(writeln '#t) ; => #t
(writeln #t) ; => #t
(writeln #(a 10)) ; => #(a 10)
(writeln #u8(64 65)) ; => #u8(64 65)
(writeln '()) ; => ()
(writeln #\a) ; => #\a
(writeln ''a) ; => (quote a)
(writeln '(quote a)) ; => (quote a)
(writeln '(1 . (2 . (3 . ())))) ; => (1 2 3)
