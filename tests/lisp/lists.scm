; R7RS 6.4.
(writeln (make-list 2 3)) ; => (3 3)
(writeln (length (make-list 3))) ; => 3
(writeln (make-list 0 'x)) ; => ()
(writeln (list 'a (+ 3 4) 'c)) ; => (a 7 c)
(writeln (list)) ; => ()
(writeln (map length '((a b c) (a (b) (c d e)) ()))) ; => (3 3 0)
(writeln (append '(x) '(y))) ; => (x y)
(writeln (append '(a) '(b c d))) ; => (a b c d)
(writeln (append '(a (b)) '((c)))) ; => (a (b) (c))
(writeln (append '(a b) '(c . d))) ; => (a b c . d)
(writeln (append '() 'a)) ; => a
(writeln (append)) ; => ()
(writeln (append '(1) '() '(2 3) '() '(4))) ; => (1 2 3 4)
(writeln (let ((tail '(c))) (eq? tail (cdr (append '(a) tail))))) ; => #t
(writeln (reverse '(a b c))) ; => (c b a)
(writeln (reverse '(a (b c) d (e (f))))) ; => ((e (f)) d (b c) a)
(writeln (list-tail '(a b c d) 2)) ; => (c d)
(writeln (list-tail '(a b) 2)) ; => ()
(writeln (list-tail 5 0)) ; => 5
(writeln (list-ref '(a b c d) 2)) ; => c
(writeln (list-ref '(a b c d) (exact (round 1.8)))) ; => c
(writeln (let ((ls (list 'one 'two 'five!))) (list-set! ls 2 'three) ls)) ; => (one two three)
(define a '(1 8 2 8))
(define b (list-copy a))
(set-car! b 3)
(writeln (list a b)) ; => ((1 8 2 8) (3 8 2 8))
(writeln (list-copy '(1 2 . 3))) ; => (1 2 . 3)
(writeln (list-copy 'atom)) ; => atom
(writeln (map list? (list '(a b c) '() '(a . b) 'a))) ; => (#t #t #f #f)
(writeln (map null? (list '() '(1) #f))) ; => (#t #f #f)
