; R7RS 4.2.4.
(writeln (do ((vec (make-vector 5)) (i 0 (+ i 1))) ((= i 5) vec) (vector-set! vec i i))) ; => #(0 1 2 3 4)
(writeln (let ((x '(1 3 5 7 9))) (do ((x x (cdr x)) (sum 0 (+ sum (car x)))) ((null? x) sum)))) ; => 25
; Every round has variables of its own.
(define thunks '())
(do ((i 0 (+ i 1))) ((= i 3)) (set! thunks (cons (lambda () i) thunks)))
(writeln (map (lambda (t) (t)) thunks)) ; => (2 1 0)
; A variable without a step stays.
(writeln (do ((a 1) (i 0 (+ i 1))) ((= i 4) (list a i)) (set! a (* a 2)))) ; => (16 4)
(writeln (do () (#t 'at-once))) ; => at-once
