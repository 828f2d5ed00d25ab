; (scheme file), (scheme load) and (scheme process-context) need a capability.
(define (code form) (guard (e (#t (condition-code e))) (eval form (interaction-environment))))
(writeln (code '(import (scheme file)))) ; => CapabilityViolation
(writeln (code '(import (scheme load)))) ; => CapabilityViolation
(writeln (code '(import (scheme process-context)))) ; => CapabilityViolation
(import (scheme file))
; error: CapabilityViolation
