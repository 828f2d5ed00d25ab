; R7RS 5.3: definitions that a macro in a body makes are the body's.
(define-syntax define-two (syntax-rules () ((_ a b v) (begin (define a v) (define b (+ v 1))))))
(define (f)
  (define-two x y 10)
  (define z (+ x y))
  (list x y z))
(writeln (f)) ; => (10 11 21)
(define (g)
  (define-syntax twice (syntax-rules () ((_ e) (* 2 e))))
  (define a (twice 4))
  (twice a))
(writeln (g)) ; => 16
; An identifier that the macro makes up is its own.
(define-syntax define-hidden (syntax-rules () ((_ getter v) (begin (define hidden v) (define (getter) hidden)))))
(define (h)
  (define hidden 'mine)
  (define-hidden get 'its-own)
  (list hidden (get)))
(writeln (h)) ; => (mine its-own)
