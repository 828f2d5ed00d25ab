; The expansion ends with a typed error.
(define-syntax for-ever (syntax-rules () ((_ x ...) (for-ever x ... x ...))))
(define-syntax round-and-round (syntax-rules () ((_) (round-and-round))))
(round-and-round)
; error: SyntaxError
