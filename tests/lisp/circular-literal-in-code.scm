; A circular datum is no expression.
(writeln '#0=(a . #0#)) ; => #0=(a . #0#)
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define loop (list 'if #t))
(set-cdr! (cdr loop) loop)
(writeln (code (eval loop (interaction-environment)))) ; => SyntaxError
(define args (list '+ 1))
(set-cdr! (cdr args) args)
(writeln (code (eval args (interaction-environment)))) ; => SyntaxError
(define nest (list 'quote 'x))
(set-car! (cdr nest) nest)
(writeln (pair? (eval nest (interaction-environment)))) ; => #t
(define inner (list 'begin 1))
(set-car! (cdr inner) inner)
(writeln (code (eval inner (interaction-environment)))) ; => SyntaxError
