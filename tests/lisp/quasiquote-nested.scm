; R7RS 4.2.8: inner levels stay as they are.
(define (same a b) (if (equal? a b) 'same (list a b)))
(writeln (same `(a `(b ,(c ,(+ 1 2)))) '(a `(b ,(c 3))))) ; => same
(writeln (same `(a `(b ,(c (+ 1 2)))) '(a `(b ,(c (+ 1 2)))))) ; => same
(writeln (same `(a `(b ,(foo ,(+ 1 3) d) e) f) '(a `(b ,(foo 4 d) e) f))) ; => same
(writeln (same (let ((name1 'x) (name2 'y)) `(a `(b ,,name1 ,',name2 d) e)) '(a `(b ,x ,'y d) e))) ; => same
(writeln (same `(1 `,(+ 1 ,(+ 2 3))) '(1 `,(+ 1 5)))) ; => same
(writeln (same `(1 ```,,@,,@(list (+ 1 2)) 4) '(1 ```,,@,3 4))) ; => same
(writeln (same `(a `(,@(b ,@(list 1 2)))) '(a `(,@(b 1 2))))) ; => same
(writeln (same `(x `#(,(y ,(+ 1 2)))) '(x `#(,(y 3))))) ; => same
