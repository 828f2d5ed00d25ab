; R7RS 4.2.2: letrec and letrec*.
(writeln
 (letrec ((even? (lambda (n) (if (zero? n) #t (odd? (- n 1)))))
          (odd? (lambda (n) (if (zero? n) #f (even? (- n 1))))))
   (even? 88))) ; => #t
(writeln
 (letrec* ((p (lambda (x) (+ 1 (q (- x 1)))))
           (q (lambda (y) (if (zero? y) 0 (+ 1 (p (- y 1))))))
           (x (p 5))
           (y x))
   y)) ; => 5
(writeln (letrec* ((a 1) (b (+ a 1)) (c (* b 10))) (list a b c))) ; => (1 2 20)
