; Sorting: a stable merge sort of lists, n log n calls of the predicate. Both orders of the arguments are taken,
; (sort list <) as everywhere and (list-sort < list) as SRFI 132 has it.

; Merges two sorted lists, neither empty, by linking their own pairs; of equal items those of `a` come first.
(define (%merge! less? a b)
  (let ((head (cons #f '())))
    (let loop ((tail head) (a a) (b b))
      (if (less? (car b) (car a))
          (let ((next (cdr b)))
            (set-cdr! tail b)
            (if (pair? next) (loop b a next) (set-cdr! b a)))
          (let ((next (cdr a)))
            (set-cdr! tail a)
            (if (pair? next) (loop a next b) (set-cdr! a b)))))
    (cdr head)))

; Sorts a list of n pairs, n > 0, that nobody else refers to.
(define (%sort-pairs! less? list n)
  (cond
    ((= n 1) list)
    ((= n 2)
     (let ((next (cdr list)))
       (if (less? (car next) (car list))
           (begin (set-cdr! next list) (set-cdr! list '()) next)
           list)))
    (else
     (let* ((half (quotient n 2))
            (last (list-tail list (- half 1)))
            (rest (cdr last)))
       (set-cdr! last '())
       ; The halves are cut already: what their sorting does to their pairs does not matter to the other.
       (let ((front (%sort-pairs! less? list half)))
         (%merge! less? front (%sort-pairs! less? rest (- n half))))))))

(define (%sort-list less? list name index)
  (let ((n (%length list name index)))
    (if (= n 0) '() (%sort-pairs! less? (list-copy list) n))))

(define (%sort-any less? sequence name index)
  (if (vector? sequence)
      (list->vector (%sort-list less? (vector->list sequence) name index))
      (%sort-list less? sequence name index)))

(define (sort sequence less?)
  (if (procedure? sequence)
      (%sort-any sequence less? 'sort 2)
      (%sort-any less? sequence 'sort 1)))

; A vector is sorted where it is; of a list the result counts.
(define (sort! sequence less?)
  (let ((sorted (sort sequence less?))
        (target (if (procedure? sequence) less? sequence)))
    (if (vector? target)
        (begin (vector-copy! target 0 sorted) target)
        sorted)))

(define (list-sort less? list)
  (if (procedure? less?)
      (%sort-list less? list 'list-sort 2)
      (%sort-list list less? 'list-sort 1)))

(define (%sort-vector less? vector range)
  (list->vector (%sort-list less? (apply vector->list vector range) 'vector-sort 2)))

(define (vector-sort less? vector . range)
  (if (procedure? less?)
      (%sort-vector less? vector range)
      (%sort-vector vector less? range)))

; Written back at the end: a predicate that raises leaves the vector as it was.
(define (vector-sort! less? vector . range)
  (let ((vector (if (procedure? less?) vector less?))
        (less? (if (procedure? less?) less? vector)))
    (vector-copy! vector (if (pair? range) (car range) 0) (%sort-vector less? vector range))))

(define (%sorted-list? less? list)
  (or (null? list)
      (let loop ((item (car list)) (rest (cdr list)))
        (or (null? rest)
            (and (not (less? (car rest) item))
                 (loop (car rest) (cdr rest)))))))

(define (sorted? sequence less?)
  (let ((sequence (if (procedure? sequence) less? sequence))
        (less? (if (procedure? sequence) sequence less?)))
    (if (vector? sequence)
        (%sorted-list? less? (vector->list sequence))
        (begin
          (%length sequence 'sorted? 1)
          (%sorted-list? less? sequence)))))
