; R7RS 6.2.6.
(writeln (list (= 1 1.0) (= 1 1 1) (= 1 1 2) (< 1 2 3) (< 1 3 2) (> 3 2 1) (<= 1 1 2) (>= 2 2 1) (>= 1 2))) ; => (#t #t #f #t #f #t #t #t #f)
(writeln (list (= 1/2 0.5) (< 1/3 0.3333) (< 0.3333 1/3))) ; => (#t #f #t)
(writeln (list (= +nan.0 +nan.0) (< +nan.0 1) (> +nan.0 1))) ; => (#f #f #f)
; Comparison of exact with inexact is transitive.
(define big (expt 2 53))
(writeln (list (= big (inexact big)) (= (+ big 1) (inexact big)) (< (inexact big) (+ big 1)))) ; => (#t #f #t)
(writeln (list (max 3 4) (max 3.9 4) (min 1 2.0) (max 1/2 1/3) (min 5))) ; => (4 4.0 1.0 1/2 5)
(< 1 'a)
; error: TypeError
