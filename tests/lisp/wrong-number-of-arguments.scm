; A call with too few or too many arguments is an ArityError, of closures and of builtins.
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(define (two a b) a)
(define (one-or-more a . rest) a)
(writeln (code (lambda () (two 1)))) ; => ArityError
(writeln (code (lambda () (two 1 2 3)))) ; => ArityError
(writeln (code (lambda () (one-or-more)))) ; => ArityError
(writeln (code (lambda () (car)))) ; => ArityError
(writeln (code (lambda () (cons 1)))) ; => ArityError
(writeln (code (lambda () (vector-ref (vector 1) 0 0)))) ; => ArityError
(writeln (code (lambda () (apply two '(1))))) ; => ArityError
(writeln (code (lambda () (map (lambda (x y) x) '(1))))) ; => ArityError
(two)
; error: ArityError
