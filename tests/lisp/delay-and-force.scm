; R7RS 4.2.5.
(writeln (force (delay (+ 1 2)))) ; => 3
(writeln (let ((p (delay (+ 1 2)))) (list (force p) (force p)))) ; => (3 3)
(define integers
  (letrec ((next (lambda (n) (delay (cons n (next (+ n 1))))))) (next 0)))
(define (head stream) (car (force stream)))
(define (tail stream) (cdr (force stream)))
(writeln (head (tail (tail integers)))) ; => 2
; It is computed once.
(define count 0)
(define p
  (delay (begin (set! count (+ count 1)) (if (> count x) count (force p)))))
(define x 5)
(writeln (promise? p)) ; => #t
(writeln (force p)) ; => 6
(writeln (begin (set! x 10) (force p))) ; => 6
; A promise that gives a promise gives just that.
(writeln (promise? (force (delay (delay 1))))) ; => #t
(writeln (force 7)) ; => 7
