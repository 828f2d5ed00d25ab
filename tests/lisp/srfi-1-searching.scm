(writeln (filter odd? '(0 7 8 8 43 -4))) ; => (7 43)
(writeln (remove odd? '(0 7 8 8 43 -4))) ; => (0 8 8 -4)
(writeln (find even? '(3 1 4 1 5 9))) ; => 4
(writeln (find even? '(3 1))) ; => #f
(writeln (find-tail even? '(3 1 37 -8 -5 0 0))) ; => (-8 -5 0 0)
(writeln (any integer? '(a 3 b 2.7))) ; => #t
(writeln (any + '(1) '(2))) ; => 3
(writeln (any odd? '())) ; => #f
(writeln (every odd? '())) ; => #t
(writeln (every (lambda (x) (and (odd? x) (* x 10))) '(1 3))) ; => 30
(writeln (every < '(1 2) '(2 3) '(3 4))) ; => #t
(writeln (count even? '(3 1 4 1 5 9 2 5 6))) ; => 3
(writeln (count < '(1 2 4 8) '(2 4 6 8 10 12 14 16))) ; => 3
(writeln (list-index even? '(3 1 4 1 5 9))) ; => 2
(writeln (list-index = '(3 1 4 1 5 9 2 5 6) '(2 7 1 8 2))) ; => #f
(writeln (delete 3 '(1 3 2 3 3.0))) ; => (1 2 3.0)
(writeln (delete 5 '(1 6 7) <)) ; => (1)
(writeln (delete-duplicates '(a b a c a b c z))) ; => (a b c z)
(writeln (delete-duplicates '((a . 3) (b . 7) (c . 1) (a . 9) (b . 11)) (lambda (x y) (eq? (car x) (car y))))) ; => ((a . 3) (b . 7) (c . 1))
(writeln (delete-duplicates '("x" "y" "x" (1 2) (1 2)))) ; => ("x" "y" (1 2))
; The last call of any and every is a tail call.
(define (loop n) (or (= n 0) (any (lambda (x) (loop (- n 1))) '(1))))
(writeln (loop 100000)) ; => #t
