; R7RS 4.2.5: the value that is there first stays.
(define r (delay (begin (display "hi ") 1)))
(define s (delay-force r))
(define t (delay-force s))
(force t)
(force r)
(newline)
; => hi 
(define q
  (let ((count 5))
    (define (get-count) count)
    (define p
      (delay (if (<= count 0)
                 count
                 (begin (set! count (- count 1)) (force p) (set! count (+ count 2)) count))))
    (list get-count p)))
(define get-count (car q))
(define p (cadr q))
(writeln (get-count)) ; => 5
(writeln (force p)) ; => 0
(writeln (get-count)) ; => 10
