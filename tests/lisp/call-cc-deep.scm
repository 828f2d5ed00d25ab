; A continuation of a deep recursion can be called again and again.
(define k #f)
(define (deep n) (if (= n 0) (call/cc (lambda (c) (set! k c) 0)) (+ 1 (deep (- n 1)))))
(define rounds 0)
(define sum 0)
(set! sum (+ sum (deep 20000)))
(set! rounds (+ rounds 1))
(if (< rounds 5) (k rounds))
(writeln (list rounds sum)) ; => (5 20004)
; Escaping from a deep recursion leaves nothing behind.
(define (search n) (call/cc (lambda (return) (let down ((i n)) (if (= i 0) (return 'found) (+ 1 (down (- i 1))))))))
(writeln (let loop ((i 0)) (if (< i 50) (begin (search 10000) (loop (+ i 1))) (search 10)))) ; => found
