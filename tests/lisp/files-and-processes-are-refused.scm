; R7RS 6.13 and 6.14: what reaches outside needs a capability, and its absence is an error that can be caught.
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(writeln (code (lambda () (open-input-file "x")))) ; => CapabilityViolation
(writeln (code (lambda () (with-output-to-file "x" newline)))) ; => CapabilityViolation
(writeln (code (lambda () (load "x.scm")))) ; => CapabilityViolation
(writeln (code (lambda () (get-environment-variable "HOME")))) ; => CapabilityViolation
(writeln (code exit)) ; => CapabilityViolation
; The names are free for a program's own use.
(define (exit value) (list 'mine value))
(writeln (exit 5)) ; => (mine 5)
(load "x.scm")
; error: CapabilityViolation files-and-processes-are-refused.scm:11:1
