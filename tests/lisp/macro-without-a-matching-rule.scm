; R7RS 4.3.2: a use that fits no rule is a SyntaxError, before anything of its source runs.
(define-syntax pair-of (syntax-rules () ((_ a b) (cons a b))))
(writeln 'never)
(pair-of 1)
; error: SyntaxError
