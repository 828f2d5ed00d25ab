; R7RS 6.1: equal? always ends.
(define a (list 1 2 3))
(set-cdr! (cddr a) a)
(define b (list 1 2 3 1 2 3))
(set-cdr! (list-tail b 5) b)
(writeln (equal? a b)) ; => #t
(define c (list 1 2 4))
(set-cdr! (cddr c) c)
(writeln (equal? a c)) ; => #f
(define v (vector 1 #f))
(vector-set! v 1 v)
(define w (vector 1 #f))
(vector-set! w 1 w)
(writeln (equal? v w)) ; => #t
(writeln (equal? '#0=(a b . #0#) '#1=(a b a b . #1#))) ; => #t
; Deep data, too.
(define (nest n) (do ((i 0 (+ i 1)) (x '() (list x))) ((= i n) x)))
(writeln (equal? (nest 100000) (nest 100000))) ; => #t
(writeln (equal? (nest 100000) (nest 100001))) ; => #f
