; R7RS 4.2.8: inner levels stay as they are.
(writeln `(a `(b ,(c ,(+ 1 2))))) ; => (a `(b ,(c ,(+ 1 2))))
(writeln `(a `(b ,(foo ,(+ 1 3) d) e) f)) ; => (a `(b ,(foo 4 d) e) f)
(writeln (let ((name1 'x) (name2 'y)) `(a `(b ,,name1 ,',name2 d) e))) ; => (a `(b ,x ,'y d) e)
(writeln `(1 `,(+ 1 ,(+ 2 3)))) ; => (1 `,(+ 1 5))
(writeln `(1 ```,,@,,@(list (+ 1 2)) 4)) ; => (1 ```,,@,3 4)
(writeln `(a `(,@(b ,@(list 1 2))))) ; => (a `(,@(b 1 2)))
(writeln `(x `#(,(y ,(+ 1 2))))) ; => (x `#(,(y 3)))
