; A merge sort of a list of 100,000 numbers, written out.
(define (numbers count)
  (let loop ((i 0) (seed 42) (list '()))
    (if (= i count)
        list
        (let ((next (modulo (+ (* seed 1103515245) 12345) 2147483648)))
          (loop (+ i 1) next (cons next list))))))

(define (merge! a b)
  (let ((head (cons #f '())))
    (let loop ((last head) (a a) (b b))
      (cond ((null? a) (set-cdr! last b))
            ((null? b) (set-cdr! last a))
            ((< (car b) (car a)) (set-cdr! last b) (loop b a (cdr b)))
            (else (set-cdr! last a) (loop a (cdr a) b))))
    (cdr head)))

(define (split! list count)
  (if (= count 1)
      (let ((rest (cdr list)))
        (set-cdr! list '())
        rest)
      (split! (cdr list) (- count 1))))

(define (sort! list count)
  (if (= count 1)
      list
      (let* ((half (quotient count 2))
             (rest (split! list half))
             (first (sort! list half)))
        (merge! first (sort! rest (- count half))))))

(let ((sorted (sort! (numbers 100000) 100000)))
  (let loop ((rest (cdr sorted)) (last (car sorted)) (ordered 1))
    (cond ((null? rest) ordered)
          ((< (car rest) last) #f)
          (else (loop (cdr rest) (car rest) (+ ordered 1))))))
