; A million nested calls are bounded by the heap alone.
(define (count n) (if (= n 0) 0 (+ 1 (count (- n 1)))))
(writeln (count 1000000)) ; => 1000000
(define (build n) (if (= n 0) '() (cons n (build (- n 1)))))
(writeln (length (build 1000000))) ; => 1000000
(define (even2? n) (if (= n 0) #t (not (odd2? (- n 1)))))
(define (odd2? n) (if (= n 0) #f (not (even2? (- n 1)))))
(writeln (even2? 300000)) ; => #t
(define (many-locals n a b c d e f) (if (= n 0) (+ a b c d e f) (+ 1 (many-locals (- n 1) a b c d e f))))
(writeln (many-locals 200000 1 2 3 4 5 6)) ; => 200021
(define (through-map n) (if (= n 0) 0 (+ 1 (car (map through-map (list (- n 1)))))))
(writeln (through-map 50000)) ; => 50000
(define (through-wind n) (if (= n 0) 0 (+ 1 (dynamic-wind (lambda () #f) (lambda () (through-wind (- n 1))) (lambda () #f)))))
(writeln (through-wind 20000)) ; => 20000
(define (through-guard n) (if (= n 0) (raise 'bottom) (guard (e ((string? e) 'never)) (through-guard (- n 1)))))
(writeln (guard (e (#t e)) (through-guard 300))) ; => bottom
