; R7RS 4.1.4: fixed, rest, and both.
(writeln ((lambda (x) (+ x x)) 4)) ; => 8
(define reverse-subtract (lambda (x y) (- y x)))
(writeln (reverse-subtract 7 10)) ; => 3
(define add4 (let ((x 4)) (lambda (y) (+ x y))))
(writeln (add4 6)) ; => 10
(writeln ((lambda x x) 3 4 5 6)) ; => (3 4 5 6)
(writeln ((lambda (x y . z) z) 3 4 5 6)) ; => (5 6)
(writeln ((lambda (x y . z) z) 3 4)) ; => ()
(writeln ((lambda x x))) ; => ()
; The rest list is fresh at every call.
(define (collect . items) items)
(define first-call (collect 1 2))
(set-car! first-call 'changed)
(writeln (collect 1 2)) ; => (1 2)
