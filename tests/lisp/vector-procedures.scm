; R7RS 6.10 and SRFI 133.
(writeln (vector-map cadr '#((a b) (d e) (g h)))) ; => #(b e h)
(writeln (vector-map (lambda (n) (expt n n)) #(1 2 3 4 5))) ; => #(1 4 27 256 3125)
(writeln (vector-map * #(1 2) #(10 20 30))) ; => #(10 40)
(writeln (vector-map list #(1) #(2) #(3))) ; => #((1 2 3))
(writeln (vector-map car #())) ; => #()
(writeln
 (let ((v (make-vector 5)))
   (vector-for-each (lambda (i) (vector-set! v i (* i i))) #(0 1 2 3 4))
   v)) ; => #(0 1 4 9 16)
(vector-for-each (lambda (a b) (writeln (list a b))) #(1 2 3) #(x y))
; => (1 x)
; => (2 y)
(define v (vector 1 2 3))
(vector-map! (lambda (x) (* x x)) v)
(writeln v) ; => #(1 4 9)
(writeln (vector-fold + 0 v)) ; => 14
(writeln (vector-tabulate (lambda (i) (* 2 i)) 4)) ; => #(0 2 4 6)
(writeln (vector-index even? #(1 3 4))) ; => 2
(writeln (vector-index even? #(1 3))) ; => #f
(writeln (vector-count odd? #(1 2 3))) ; => 2
(writeln (vector-binary-search #(1 3 5 7 9) 7 -)) ; => 3
(writeln (vector-binary-search #(1 3 5 7 9) 4 -)) ; => #f
(writeln (vector-binary-search #() 4 -)) ; => #f
