; R7RS 4.3.2: a use that fits no rule is a SyntaxError.
(define-syntax pair-of (syntax-rules () ((_ a b) (cons a b))))
(writeln (pair-of 1 2)) ; => (1 . 2)
(pair-of 1)
; error: SyntaxError
