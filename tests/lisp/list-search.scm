; R7RS 6.4: mem- and ass-.
(writeln (memq 'c '(a b c d e))) ; => (c d e)
(writeln (memq 'd '(a b c))) ; => #f
(writeln (memq (list 'a) '(b (a) c))) ; => #f
(writeln (member (list 'a) '(b (a) c))) ; => ((a) c)
(writeln (member "B" '("a" "b" "c") string-ci=?)) ; => ("b" "c")
(writeln (memv 101 '(100 101 102))) ; => (101 102)
(writeln (memv 1.5 '(1 1.5))) ; => (1.5)
(writeln (member 2.0 '(1 2 3) =)) ; => (2 3)
(define e '((a 1) (b 2) (c 3)))
(writeln (assq 'a e)) ; => (a 1)
(writeln (assq 'b e)) ; => (b 2)
(writeln (assq 'd e)) ; => #f
(writeln (assq (list 'a) '(((a)) ((b)) ((c))))) ; => #f
(writeln (assoc (list 'a) '(((a)) ((b)) ((c))))) ; => ((a))
(writeln (assoc 2.0 '((1 one) (2 two) (3 three)) =)) ; => (2 two)
(writeln (assv 5 '((2 3) (5 7) (11 13)))) ; => (5 7)
; The predicate gets the item that is looked for first.
(writeln (member 3 '(1 5 2) <)) ; => (5 2)
(writeln (assoc 3 '((1 . a) (5 . b)) <)) ; => (5 . b)
(assq 'x '(1 2))
; error: TypeError
