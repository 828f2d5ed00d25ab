; The procedures of vectors that call procedures back (R7RS 6.10, SRFI 133). Their partner is builtins/vectors.cpp.
;
; As in lists.scm, results are made when all is known: a continuation captured in a callback may return again.

(define (%shortest-vector vectors)
  (let loop ((vectors vectors) (n (vector-length (car vectors))))
    (if (pair? vectors)
        (loop (cdr vectors) (min n (vector-length (car vectors))))
        n)))

(define vector-map
  (case-lambda
    ((f vector)
     (let ((n (vector-length vector)))
       (let loop ((i 0) (done '()))
         (if (< i n)
             (loop (+ i 1) (cons (f (vector-ref vector i)) done))
             (%reversed->vector done n)))))
    ((f first . rest)
     (let* ((vectors (cons first rest)) (n (%shortest-vector vectors)))
       (let loop ((i 0) (done '()))
         (if (< i n)
             (loop (+ i 1)
                   (cons (apply f (map (lambda (vector) (vector-ref vector i)) vectors)) done))
             (%reversed->vector done n)))))))

(define vector-for-each
  (case-lambda
    ((f vector)
     (let ((n (vector-length vector)))
       (let loop ((i 0))
         (if (< i n)
             (begin (f (vector-ref vector i)) (loop (+ i 1)))))))
    ((f first . rest)
     (let* ((vectors (cons first rest)) (n (%shortest-vector vectors)))
       (let loop ((i 0))
         (if (< i n)
             (begin
               (apply f (map (lambda (vector) (vector-ref vector i)) vectors))
               (loop (+ i 1)))))))))

(define (vector-map! f vector)
  (let ((n (vector-length vector)))
    (let loop ((i 0))
      (if (< i n)
          (begin
            (vector-set! vector i (f (vector-ref vector i)))
            (loop (+ i 1)))))))

; (f state item)
(define (vector-fold f state vector)
  (let ((n (vector-length vector)))
    (let loop ((i 0) (state state))
      (if (< i n) (loop (+ i 1) (f state (vector-ref vector i))) state))))

(define (vector-tabulate f n)
  (%reversed->vector (let loop ((i 0) (done '())) (if (< i n) (loop (+ i 1) (cons (f i) done)) done)) n))

(define (vector-index found? vector)
  (let ((n (vector-length vector)))
    (let loop ((i 0))
      (and (< i n)
           (if (found? (vector-ref vector i)) i (loop (+ i 1)))))))

(define (vector-count found? vector)
  (vector-fold (lambda (n item) (if (found? item) (+ n 1) n)) 0 vector))

; The index of an item for which (compare item value) is 0, in a vector that is sorted by it; #f if there is none.
(define (vector-binary-search vector value compare)
  (let loop ((start 0) (end (vector-length vector)))
    (and (< start end)
         (let* ((middle (quotient (+ start end) 2))
                (order (compare (vector-ref vector middle) value)))
           (cond
             ((= order 0) middle)
             ((< order 0) (loop (+ middle 1) end))
             (else (loop start middle)))))))
