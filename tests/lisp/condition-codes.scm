; Every error of the language has a stable code.
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (code (car 1))) ; => TypeError
(writeln (code (vector-ref #(1) 1))) ; => RangeError
(writeln (code (/ 1 0))) ; => DivideByZero
(writeln (code ((lambda (x) x)))) ; => ArityError
(writeln (code no-such-variable)) ; => UnboundVariable
(writeln (code (error "mine"))) ; => UserError
(writeln (code (eval '(if) (interaction-environment)))) ; => SyntaxError
(writeln (code (read (open-input-string "#<")))) ; => ReadError
(writeln (code (value->json car))) ; => ConversionError
(writeln (code (5 5))) ; => TypeError
(writeln (code (+ 'a 1))) ; => TypeError
(writeln (code (vector-set! #(1) 0 0))) ; => TypeError
(writeln (code (exact +inf.0))) ; => RangeError
(writeln (code (integer->char #xd800))) ; => RangeError
(writeln (code (string-ref "abc" 3))) ; => RangeError
(writeln (code (symbol->string "a"))) ; => TypeError
