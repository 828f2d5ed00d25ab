; Infinite recursion ends with a typed error, which the program can catch and go on.
(define (down n) (+ 1 (down (+ n 1))))
(writeln (guard (e (#t (condition-code e))) (down 0))) ; => HeapLimit
(writeln 'alive) ; => alive
(define (grow l) (grow (cons l l)))
(writeln (guard (e (#t (condition-code e))) (grow '()))) ; => HeapLimit
(define (double s) (double (string-append s s)))
(writeln (guard (e (#t (condition-code e))) (double "abcdefgh"))) ; => HeapLimit
(writeln (+ 1 2)) ; => 3
(down 0)
; error: HeapLimit
