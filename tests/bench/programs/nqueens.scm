; Solutions of the eight queens: a queen's row for each column, as a list.
(define (safe? row distance placed)
  (or (null? placed)
      (and (not (= (car placed) (+ row distance)))
           (not (= (car placed) (- row distance)))
           (not (= (car placed) row))
           (safe? row (+ distance 1) (cdr placed)))))

(define (solutions columns placed size)
  (if (= columns 0)
      1
      (let loop ((row 1) (sum 0))
        (cond ((> row size) sum)
              ((safe? row 1 placed) (loop (+ row 1) (+ sum (solutions (- columns 1) (cons row placed) size))))
              (else (loop (+ row 1) sum))))))

(solutions 8 '() 8)
