; Names of the language's own inside cannot be reached by a program.
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (code (eval '(%record-ref 1 2 3 4) (interaction-environment)))) ; => UnboundVariable
(writeln (code (eval '%make-lazy (interaction-environment)))) ; => UnboundVariable
(writeln (code (eval '(import (heddle internal)) (interaction-environment)))) ; => SyntaxError
(%call/cc car)
; error: UnboundVariable
