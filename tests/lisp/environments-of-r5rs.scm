; (scheme r5rs): its environments, its names for exactness, and files that need a capability.
(import (scheme base) (scheme r5rs) (only (heddle) writeln condition-code))
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (list (exact->inexact 1/4) (inexact->exact 0.5))) ; => (0.25 1/2)
(writeln (list (eval '(if #t 'yes 'no) (null-environment 5)) (code (eval '(car '(1)) (null-environment 5))))) ; => (yes UnboundVariable)
(writeln (list (eval '(car '(1)) (scheme-report-environment 5)) (code (null-environment 1)) (code (scheme-report-environment 'x)))) ; => (1 RangeError RangeError)
(writeln (list (code (load "x")) (code (open-input-file "x")) (code (open-output-file "x")) (code (call-with-input-file "x" list)) (code (call-with-output-file "x" list)) (code (with-input-from-file "x" list)) (code (with-output-to-file "x" list)))) ; => (CapabilityViolation CapabilityViolation CapabilityViolation CapabilityViolation CapabilityViolation CapabilityViolation CapabilityViolation)
(writeln (map (lambda (form) (guard (c (#t (condition-code c))) (eval form (interaction-environment)))) '((include "x.scm") (include-ci "x.scm")))) ; => (CapabilityViolation CapabilityViolation)
