; The procedures of lists that call procedures back (R7RS 6.4 and 6.10, SRFI 1). Their partner is builtins/lists.cpp.
;
; Results are built by consing and a final `reverse`, and never changed afterwards: a continuation that was captured
; inside of a callback may return any number of times, and what was returned before stays as it was (R7RS 6.10, map).
; A list that is not proper is a TypeError when the loop reaches its end; one that is circular has none.

; --- Over every item

(define map
  (case-lambda
    ((f list)
     (let loop ((at list) (done '()))
       (if (pair? at)
           (loop (cdr at) (cons (f (car at)) done))
           (begin (%check-end at 'map 2 list) (reverse done)))))
    ((f first second)
     (let loop ((a first) (b second) (done '()))
       (if (and (pair? a) (pair? b))
           (loop (cdr a) (cdr b) (cons (f (car a) (car b)) done))
           (begin
             (if (not (pair? a)) (%check-end a 'map 2 first) (%check-end b 'map 3 second))
             (reverse done)))))
    ((f first . rest)
     (let loop ((lists (cons first rest)) (done '()))
       (let ((step (%unzip lists '() 'map)))
         (if step
             (loop (cdr step) (cons (apply f (car step)) done))
             (reverse done)))))))

(define for-each
  (case-lambda
    ((f list)
     (let loop ((at list))
       (if (pair? at)
           (begin (f (car at)) (loop (cdr at)))
           (%check-end at 'for-each 2 list))))
    ((f first . rest)
     (let loop ((lists (cons first rest)))
       (let ((step (%unzip lists '() 'for-each)))
         (if step
             (begin (apply f (car step)) (loop (cdr step)))))))))

(define append-map
  (case-lambda
    ((f list)
     (let loop ((at list) (done '()))
       (if (pair? at)
           (loop (cdr at) (append-reverse (f (car at)) done))
           (begin (%check-end at 'append-map 2 list) (reverse done)))))
    ((f first . rest) (concatenate (apply map f first rest)))))

(define filter-map
  (case-lambda
    ((f list)
     (let loop ((at list) (done '()))
       (if (pair? at)
           (let ((value (f (car at))))
             (loop (cdr at) (if value (cons value done) done)))
           (begin (%check-end at 'filter-map 2 list) (reverse done)))))
    ((f first . rest) (filter (lambda (value) value) (apply map f first rest)))))

(define (list-tabulate count f)
  (let loop ((i (- count 1)) (done '()))
    (if (< i 0) done (loop (- i 1) (cons (f i) done)))))

; --- Folding. fold and fold-right call (f item ... state), fold-left calls (f state item ...).

(define fold
  (case-lambda
    ((f state list)
     (let loop ((at list) (state state))
       (if (pair? at)
           (loop (cdr at) (f (car at) state))
           (begin (%check-end at 'fold 3 list) state))))
    ((f state first . rest)
     (let loop ((lists (cons first rest)) (state state))
       (let ((step (%unzip lists (list state) 'fold)))
         (if step
             (loop (cdr step) (apply f (car step)))
             state))))))

(define fold-left
  (case-lambda
    ((f state list)
     (let loop ((at list) (state state))
       (if (pair? at)
           (loop (cdr at) (f state (car at)))
           (begin (%check-end at 'fold-left 3 list) state))))
    ((f state first . rest)
     (let loop ((lists (cons first rest)) (state state))
       (let ((step (%unzip lists '() 'fold-left)))
         (if step
             (loop (cdr step) (apply f state (car step)))
             state))))))

(define fold-right
  (case-lambda
    ((f state list)
     (%length list 'fold-right 3)
     (let loop ((at (reverse list)) (state state))
       (if (pair? at)
           (loop (cdr at) (f (car at) state))
           state)))
    ((f state first . rest)
     ; The tuples, last one first, are folded from there.
     (let loop ((lists (cons first rest)) (tuples '()))
       (let ((step (%unzip lists '() 'fold-right)))
         (if step
             (loop (cdr step) (cons (car step) tuples))
             (fold (lambda (tuple state) (apply f (append tuple (list state)))) state tuples)))))))

(define (reduce f identity list)
  (if (pair? list)
      (fold f (car list) (cdr list))
      (begin (%check-end list 'reduce 3 list) identity)))

(define (reduce-right f identity list)
  (if (pair? list)
      (let ((items (reverse list)))
        (fold f (car items) (cdr items)))
      (begin (%check-end list 'reduce-right 3 list) identity)))

(define (reduce-left f identity list)
  (if (pair? list)
      (fold-left f (car list) (cdr list))
      (begin (%check-end list 'reduce-left 3 list) identity)))

(define unfold
  (case-lambda
    ((stop? f next seed) (unfold stop? f next seed (lambda (seed) '())))
    ((stop? f next seed tail)
     (let loop ((seed seed) (done '()))
       (if (stop? seed)
           (append-reverse done (tail seed))
           (loop (next seed) (cons (f seed) done)))))))

(define unfold-right
  (case-lambda
    ((stop? f next seed) (unfold-right stop? f next seed '()))
    ((stop? f next seed tail)
     (let loop ((seed seed) (done tail))
       (if (stop? seed)
           done
           (loop (next seed) (cons (f seed) done)))))))

; --- Choosing

(define (filter keep? list)
  (let loop ((at list) (done '()))
    (if (pair? at)
        (loop (cdr at) (if (keep? (car at)) (cons (car at) done) done))
        (begin (%check-end at 'filter 2 list) (reverse done)))))

(define (remove drop? list)
  (let loop ((at list) (done '()))
    (if (pair? at)
        (loop (cdr at) (if (drop? (car at)) done (cons (car at) done)))
        (begin (%check-end at 'remove 2 list) (reverse done)))))

(define (partition keep? list)
  (let loop ((at list) (in '()) (out '()))
    (if (pair? at)
        (if (keep? (car at))
            (loop (cdr at) (cons (car at) in) out)
            (loop (cdr at) in (cons (car at) out)))
        (begin (%check-end at 'partition 2 list) (values (reverse in) (reverse out))))))

; (f front rest), at the first item for which `stop?` holds.
(define (%split-where stop? list name f)
  (let loop ((at list) (front '()))
    (if (pair? at)
        (if (stop? (car at))
            (f (reverse front) at)
            (loop (cdr at) (cons (car at) front)))
        (begin (%check-end at name 2 list) (f (reverse front) at)))))

(define (span keep? list) (%split-where (lambda (item) (not (keep? item))) list 'span values))
(define (break stop? list) (%split-where stop? list 'break values))
(define (take-while keep? list)
  (%split-where (lambda (item) (not (keep? item))) list 'take-while (lambda (front rest) front)))

(define (drop-while drop? list)
  (let loop ((at list))
    (if (pair? at)
        (if (drop? (car at)) (loop (cdr at)) at)
        (begin (%check-end at 'drop-while 2 list) at))))

(define delete
  (case-lambda
    ((item list) (%delete item list))
    ((item list same?) (remove (lambda (other) (same? item other)) list))))

; The first of each kind stays. Without a predicate, in a time that grows as the list does.
(define delete-duplicates
  (case-lambda
    ((list)
     (%length list 'delete-duplicates 1)
     (let ((seen (make-hash-table)))
       (filter (lambda (item)
                 (if (hash-table-exists? seen item)
                     #f
                     (begin (hash-table-set! seen item #t) #t)))
               list)))
    ((list same?)
     (let loop ((at list) (done '()))
       (if (pair? at)
           (let ((item (car at)))
             (loop (cdr at)
                   (if (any (lambda (other) (same? other item)) done) done (cons item done))))
           (begin (%check-end at 'delete-duplicates 1 list) (reverse done)))))))

; --- Searching

(define (find-tail found? list)
  (let loop ((at list))
    (if (pair? at)
        (if (found? (car at)) at (loop (cdr at)))
        (begin (%check-end at 'find-tail 2 list) #f))))

(define (find found? list)
  (let loop ((at list))
    (if (pair? at)
        (let ((item (car at)))
          (if (found? item) item (loop (cdr at))))
        (begin (%check-end at 'find 2 list) #f))))

(define member
  (case-lambda
    ((item list) (%member item list))
    ((item list same?)
     (let loop ((at list))
       (if (pair? at)
           (if (same? item (car at)) at (loop (cdr at)))
           (begin (%check-end at 'member 2 list) #f))))))

(define assoc
  (case-lambda
    ((key list) (%assoc key list))
    ((key list same?)
     (let loop ((at list))
       (if (pair? at)
           (let ((entry (car at)))
             (if (pair? entry)
                 (if (same? key (car entry)) entry (loop (cdr at)))
                 (%type-error 'assoc 2 "a list of pairs" list)))
           (begin (%check-end at 'assoc 2 list) #f))))))

; The call for the last item is a tail call.
(define any
  (case-lambda
    ((found? list)
     (if (pair? list)
         (let loop ((at list))
           (let ((next (cdr at)))
             (if (pair? next)
                 (or (found? (car at)) (loop next))
                 (begin (%check-end next 'any 2 list) (found? (car at))))))
         (begin (%check-end list 'any 2 list) #f)))
    ((found? first . rest)
     (let loop ((lists (cons first rest)))
       (let ((step (%unzip lists '() 'any)))
         (and step (or (apply found? (car step)) (loop (cdr step)))))))))

(define every
  (case-lambda
    ((good? list)
     (if (pair? list)
         (let loop ((at list))
           (let ((next (cdr at)))
             (if (pair? next)
                 (and (good? (car at)) (loop next))
                 (begin (%check-end next 'every 2 list) (good? (car at))))))
         (begin (%check-end list 'every 2 list) #t)))
    ((good? first . rest)
     (let loop ((lists (cons first rest)) (last #t))
       (let ((step (%unzip lists '() 'every)))
         (if step
             (let ((value (apply good? (car step))))
               (and value (loop (cdr step) value)))
             last))))))

(define count
  (case-lambda
    ((found? list) (fold (lambda (item n) (if (found? item) (+ n 1) n)) 0 list))
    ((found? first . rest)
     (let loop ((lists (cons first rest)) (n 0))
       (let ((step (%unzip lists '() 'count)))
         (if step
             (loop (cdr step) (if (apply found? (car step)) (+ n 1) n))
             n))))))

(define list-index
  (case-lambda
    ((found? list)
     (let loop ((at list) (i 0))
       (if (pair? at)
           (if (found? (car at)) i (loop (cdr at) (+ i 1)))
           (begin (%check-end at 'list-index 2 list) #f))))
    ((found? first . rest)
     (let loop ((lists (cons first rest)) (i 0))
       (let ((step (%unzip lists '() 'list-index)))
         (and step
              (if (apply found? (car step)) i (loop (cdr step) (+ i 1)))))))))
