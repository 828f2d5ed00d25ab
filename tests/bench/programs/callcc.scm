; 100,000 escapes from inside a loop.
(define (first-above limit)
  (call-with-current-continuation
   (lambda (return)
     (let loop ((i 0))
       (if (> i limit) (return i))
       (loop (+ i 1))))))
(do ((i 0 (+ i 1))
     (sum 0 (+ sum (first-above 2))))
    ((= i 100000) sum))
