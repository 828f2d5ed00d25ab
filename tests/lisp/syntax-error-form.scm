; R7RS 4.3.3.
(define-syntax simple-let
  (syntax-rules ()
    ((_ (head ... ((x . y) val) . tail) body1 body2 ...)
     (syntax-error "expected an identifier but got" (x . y)))
    ((_ ((name val) ...) body1 body2 ...) ((lambda (name ...) body1 body2 ...) val ...))))
(writeln (simple-let ((a 1) (b 2)) (+ a b))) ; => 3
(writeln (guard (e (#t (list (condition-code e) (error-object-message e)))) (eval '(simple-let (((a . b) 1)) a) (interaction-environment)))) ; => (SyntaxError "expected an identifier but got (a . b)")
