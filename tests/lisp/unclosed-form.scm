; A source that ends inside of a form.
(writeln 'never)
(define (f x)
  (+ x 1
; error: SyntaxError
