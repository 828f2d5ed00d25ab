; R7RS 4.2.9.
(define range
  (case-lambda
    ((e) (range 0 e))
    ((b e) (do ((r '() (cons e r)) (e (- e 1) (- e 1))) ((< e b) r)))))
(writeln (range 3)) ; => (0 1 2)
(writeln (range 3 5)) ; => (3 4)
(define plus
  (case-lambda
    (() 0)
    ((x) x)
    ((x y) (+ x y))
    ((x y . rest) (apply plus (+ x y) rest))))
(writeln (list (plus) (plus 1) (plus 1 2) (plus 1 2 3 4))) ; => (0 1 3 10)
; The first clause that fits.
(define which (case-lambda ((a . rest) 'first) ((a b) 'second)))
(writeln (which 1 2)) ; => first
(writeln (guard (e (#t (condition-code e))) ((case-lambda ((a) 1) ((a b c) 3)) 1 2))) ; => ArityError
(writeln (guard (e (#t (condition-code e))) ((case-lambda)))) ; => ArityError
