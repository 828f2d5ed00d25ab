; Data that look like forms.
(writeln '(lambda (x) x)) ; => (lambda (x) x)
(writeln (car ''a)) ; => quote
(writeln ''()) ; => (quote ())
(writeln '(1 . (quote a))) ; => (1 quote a)
(writeln '(unquote x)) ; => (unquote x)
(writeln '(quote)) ; => (quote)
(writeln '(quote a b)) ; => (quote a b)
(writeln '#(quote a)) ; => #(quote a)
