; A source is looked through for its definitions before it runs: circular ones have no end to look for.
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e 'accepted))))
(define (run text) (eval (read (open-input-string text)) (interaction-environment)))
(writeln (code (run "(define-record-type #0=(a . #0#) #1=(mk . #1#) p? . #2=((a b c) . #2#))"))) ; => SyntaxError
(define-record-type #0=(a . #0#) #1=(mk . #1#) p? . #2=((a b c) . #2#))
; error: SyntaxError
