; R7RS 6.10: a second return from map does not change what the first one gave.
(define k #f)
(define results '())
(define first-time #t)
(define result
  (map (lambda (x) (call/cc (lambda (c) (if (= x 2) (set! k c)) x))) '(1 2 3)))
(set! results (cons result results))
(if first-time
    (begin (set! first-time #f) (k 'two)))
(writeln (reverse results)) ; => ((1 2 3) (1 two 3))
(define vk #f)
(define vectors '())
(define v (vector-map (lambda (x) (call/cc (lambda (c) (if (= x 1) (set! vk c)) x))) #(1 2)))
(set! vectors (cons v vectors))
(if (= (length vectors) 1) (vk 'one))
(writeln (reverse vectors)) ; => (#(1 2) #(one 2))
