; R7RS 6.10: from the innermost to the common part outwards, then inwards from there.
(define trail '())
(define (note x) (set! trail (cons x trail)))
(define-syntax wind
  (syntax-rules () ((_ name body ...) (dynamic-wind (lambda () (note (list 'in name))) (lambda () body ...) (lambda () (note (list 'out name)))))))
(define k #f)
(define again #t)
(wind 1
  (wind 2 (wind 3 (call/cc (lambda (c) (set! k c))) (note 'body)))
  (wind 4 (if again (begin (set! again #f) (k #f)))))
(for-each writeln (reverse trail))
; => (in 1)
; => (in 2)
; => (in 3)
; => body
; => (out 3)
; => (out 2)
; => (in 4)
; => (out 4)
; => (in 2)
; => (in 3)
; => body
; => (out 3)
; => (out 2)
; => (in 4)
; => (out 4)
; => (out 1)
