; R7RS 5.3.2: the definitions of a body are a letrec*.
(writeln
 (let ((x 5))
   (define foo (lambda (y) (bar x y)))
   (define bar (lambda (a b) (+ (* a b) a)))
   (foo (+ x 3)))) ; => 45
(define (f n)
  (define (even? n) (or (= n 0) (odd? (- n 1))))
  (define (odd? n) (and (not (= n 0)) (even? (- n 1))))
  (even? n))
(writeln (f 101)) ; => #f
(define (shadow car) (define cdr car) (cdr '(1 2)))
(writeln (shadow length)) ; => 2
(define (in-when x) (when x (let () (define y (* x 2)) y)))
(writeln (in-when 4)) ; => 8
(writeln (let () (begin (define a 1) (define b (+ a 1))) (* a b 10))) ; => 20
