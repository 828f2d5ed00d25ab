; R7RS 5.6: an exported macro refers to what its library does not export.
(define-library (example stack)
  (export push! make-stack items)
  (import (scheme base))
  (begin
    (define (make-stack) (list '()))
    (define (items s) (car s))
    (define (add s x) (set-car! s (cons x (car s))))
    (define-syntax push! (syntax-rules () ((_ s x ...) (begin (add s x) ...))))))
(import (heddle) (example stack))
(define s (make-stack))
(define (add . x) 'not-this-one)
(push! s 1 2 3)
(writeln (items s)) ; => (3 2 1)
