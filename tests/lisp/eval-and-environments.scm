; R7RS 6.12.
(writeln (eval '(* 7 3) (environment '(scheme base)))) ; => 21
(writeln (let ((f (eval '(lambda (f x) (f x x)) (environment '(scheme base))))) (f + 10))) ; => 20
(define x 5)
(writeln (eval '(+ x 1) (interaction-environment))) ; => 6
(eval '(define y 7) (interaction-environment))
(writeln (eval 'y (interaction-environment))) ; => 7
(writeln (eval `(let ((a ,x)) (* a a)) (environment '(scheme base)))) ; => 25
(writeln (eval '(begin (define-syntax twice (syntax-rules () ((_ e) (* 2 e)))) (twice 21)) (interaction-environment))) ; => 42
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (code (eval 'x (environment '(scheme base))))) ; => UnboundVariable
(writeln (code (eval '(car) (environment '(scheme base))))) ; => ArityError
(writeln (code (eval '(1 . 2) (environment '(scheme base))))) ; => SyntaxError
(writeln (code (eval '(+ 1 2) 'no-environment))) ; => TypeError
