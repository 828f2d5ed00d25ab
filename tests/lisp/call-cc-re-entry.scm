; R7RS 6.10: a continuation may be called any number of times, from anywhere, and sees assigned variables as they are.
(define k #f)
(define n 0)
(writeln (+ 100 (call/cc (lambda (c) (set! k c) 1))))
; => 101
; => 102
; => 103
(set! n (+ n 1))
(if (< n 3) (k (+ n 1)))
(define (f)
  (let ((count 0))
    (let ((c (call/cc (lambda (c) c))))
      (set! count (+ count 1))
      (if (< count 3) (c c) count))))
(writeln (f)) ; => 3
; Locals that are not assigned are what they were.
(define saved '())
(define (g x)
  (let ((y (* x 10)))
    (let ((z (call/cc (lambda (c) (set! saved (cons c saved)) 0))))
      (+ x y z))))
(writeln (+ 1000 (g 1)))
; => 1011
; => 1012
(if (= (length saved) 1) (let ((c (car saved))) (set! saved '(x x)) (c 1)))
(writeln 'end) ; => end
