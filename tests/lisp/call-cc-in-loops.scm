; A loop that captures a continuation in each round, and one that goes through its continuation, run in bounded space.
(define (count-captures n) (let loop ((i 0)) (if (< i n) (begin (call/cc (lambda (k) k)) (loop (+ i 1))) i)))
(writeln (count-captures 200000)) ; => 200000
(define (count-escapes n) (let loop ((i 0)) (if (< i n) (loop (call/cc (lambda (k) (k (+ i 1))))) i)))
(writeln (count-escapes 200000)) ; => 200000
(define (round-trips n)
  (let ((k #f) (i 0))
    (call/cc (lambda (c) (set! k c)))
    (set! i (+ i 1))
    (if (< i n) (k #f) i)))
(writeln (round-trips 200000)) ; => 200000
