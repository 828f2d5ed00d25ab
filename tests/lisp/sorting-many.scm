; 50,000 numbers, in every order that a naive sort is slow at.
(define n 50000)
(define (check l) (and (= (length l) n) (sorted? l <)))
(define (pseudo-random n seed)
  (let loop ((i 0) (x seed) (l '()))
    (if (= i n) l (loop (+ i 1) (modulo (+ (* x 1103515245) 12345) 2147483648) (cons x l)))))
(writeln (check (sort (pseudo-random n 42) <))) ; => #t
(writeln (check (sort (iota n) <))) ; => #t
(writeln (check (sort (reverse (iota n)) <))) ; => #t
(writeln (check (sort (make-list n 7) <))) ; => #t
