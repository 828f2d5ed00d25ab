; R7RS 3.5: between procedures, through variables and data.
(define (ping n) (if (= n 0) 'ping (pong (- n 1))))
(define (pong n) (if (= n 0) 'pong (ping (- n 1))))
(writeln (ping 1000001)) ; => pong
(define table (vector #f #f #f))
(define (go n) ((vector-ref table (modulo n 3)) n))
(vector-set! table 0 (lambda (n) (if (= n 0) 'zero (go (- n 1)))))
(vector-set! table 1 (lambda (n) (go (- n 1))))
(vector-set! table 2 (lambda (n) (go (- n 1))))
(writeln (go 300000)) ; => zero
; Continuation-passing style.
(define (fact-k n k) (if (= n 0) (k 1) (fact-k (- n 1) (lambda (v) (k (modulo (* n v) 1000003))))))
(writeln (fact-k 1000 (lambda (v) v))) ; => 864722
(define (count-k n k) (if (= n 0) (k n) (count-k (- n 1) k)))
(writeln (count-k 500000 (lambda (v) 'k))) ; => k
; More arguments than the caller has, and fewer.
(define (wide a b c d e f g h n) (if (= n 0) (list a b c d e f g h) (narrow n)))
(define (narrow n) (wide 1 2 3 4 5 6 7 8 (- n 1)))
(writeln (narrow 300000)) ; => (1 2 3 4 5 6 7 8)
