; R7RS 4.2.5: an iterative lazy algorithm runs in bounded space.
(define (loop n) (if (= n 0) (delay 'done) (delay-force (loop (- n 1)))))
(writeln (force (loop 1000000))) ; => done
(define (stream-filter p? s)
  (delay-force
   (if (null? (force s))
       (delay '())
       (let ((h (car (force s))) (t (cdr (force s))))
         (if (p? h) (delay (cons h (stream-filter p? t))) (stream-filter p? t))))))
(define integers
  (letrec ((next (lambda (n) (delay (cons n (next (+ n 1))))))) (next 0)))
(writeln (car (force (cdr (force (cdr (force (stream-filter odd? integers)))))))) ; => 5
(writeln (car (force (stream-filter (lambda (n) (= n 20000)) integers)))) ; => 20000
