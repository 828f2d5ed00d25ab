; What filled the heap is garbage once HeapLimit is caught: there is room again, also for large objects.
(define (fill) (let loop ((all '())) (loop (cons (make-string 1000 #\a) all))))
(define (caught thunk) (guard (e (#t (condition-code e))) (thunk)))
(define (vectors n)
  (let loop ((i 0) (all '()))
    (if (= i n) 'fine (loop (+ i 1) (cons (make-vector 5000 i) (if (= 0 (modulo i 10)) '() all))))))
(writeln (caught fill)) ; => HeapLimit
(writeln (caught (lambda () (vectors 300)))) ; => fine
(writeln (caught fill)) ; => HeapLimit
(writeln (vectors 300)) ; => fine
