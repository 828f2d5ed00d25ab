; fold and fold-right call (f item state), fold-left calls (f state item).
(writeln (fold cons '() '(1 2 3))) ; => (3 2 1)
(writeln (fold + 0 '(1 2 3 4))) ; => 10
(writeln (fold cons* '() '(a b c) '(1 2 3 4 5))) ; => (c 3 b 2 a 1)
(writeln (fold-left list '() '(1 2 3))) ; => (((() 1) 2) 3)
(writeln (fold-left + 0 '(1 2) '(10 20))) ; => 33
(writeln (fold-right list '() '(1 2 3))) ; => (1 (2 (3 ())))
(writeln (fold-right cons* '() '(a b c) '(1 2 3))) ; => (a 1 b 2 c 3)
(writeln (reduce + 0 '(1 2 3))) ; => 6
(writeln (reduce + 'none '())) ; => none
(writeln (reduce max 0 '(3 9 4))) ; => 9
(writeln (reduce - 0 '(1 2 3 4))) ; => 2
(writeln (reduce-left - 0 '(1 2 3 4))) ; => -8
(writeln (reduce-right - 0 '(1 2 3 4))) ; => -2
(writeln (append-map (lambda (x) (list x (* 10 x))) '(1 2))) ; => (1 10 2 20)
(writeln (append-map list '(1 2) '(a b))) ; => (1 a 2 b)
(writeln (filter-map (lambda (x) (and (number? x) (* x x))) '(a 1 b 3 c 7))) ; => (1 9 49)
; Of any length.
(writeln (fold-right (lambda (x n) (+ n 1)) 0 (iota 100000))) ; => 100000
