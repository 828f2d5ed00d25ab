; R7RS 6.10.
(writeln (map cadr '((a b) (d e) (g h)))) ; => (b e h)
(writeln (map (lambda (n) (expt n n)) '(1 2 3 4 5))) ; => (1 4 27 256 3125)
(writeln (map + '(1 2 3) '(4 5 6))) ; => (5 7 9)
(writeln (map + '(1 2) '(10 20 30) '(100))) ; => (111)
(writeln (map list '(1 2) '(a b) '(x y) '("p" "q"))) ; => ((1 a x "p") (2 b y "q"))
(writeln (map car '())) ; => ()
(writeln
 (let ((v (make-vector 5)))
   (for-each (lambda (i) (vector-set! v i (* i i))) '(0 1 2 3 4))
   v)) ; => #(0 1 4 9 16)
(for-each (lambda (a b c) (writeln (+ a b c))) '(1 2) '(10 20) '(100 200 300))
; => 111
; => 222
(for-each writeln '())
; The last item's call is not in the way of deep recursion of the caller.
(writeln (length (map (lambda (x) x) (iota 200000)))) ; => 200000
