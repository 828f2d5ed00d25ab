; Forms and procedures over fibers. Their partner is builtins/concurrency.cpp.
;
; What these start ends with them: they run in a scope, whose first failure cancels the rest and is raised by the form.

; Runs the body; returns when all that it spawned is over.
(define-syntax with-scope
  (syntax-rules ()
    ((_ body ...) (%scope (lambda () body ...)))))

; The value of the expression, if it has one within so many milliseconds; else that of calling the fallback, or the
; condition Timeout. The expression is evaluated in a fiber of its own; it may still leave by a continuation.
(define-syntax with-timeout
  (syntax-rules ()
    ((_ ms expression) (%with-timeout ms (lambda () expression) #f))
    ((_ ms expression fallback) (%with-timeout ms (lambda () expression) fallback))))

(define (%with-timeout ms thunk fallback)
  (let ((fiber (%spawn-timed thunk ms)))
    (if (and (eq? (%settled fiber) 'timeout) fallback)
        (fallback)
        (%take fiber))))

; --- Side by side

; The values of the expressions, each evaluated in a fiber of its own.
(define-syntax parallel
  (syntax-rules ()
    ((_ expression ...) (%parallel (list (lambda () expression) ...)))))

; The same for what the expressions do.
(define-syntax parallel-do
  (syntax-rules ()
    ((_ expression ...)
     (begin (%parallel (list (lambda () expression) ...)) (if #f #f)))))

(define (%parallel thunks)
  (map fiber/join (%scope (lambda () (map fiber/spawn thunks)))))

(define (%concurrency name options)
  (cond
    ((null? options) 16)
    ((and (eq? (car options) ':concurrency) (pair? (cdr options)) (null? (cddr options)))
     (let ((limit (cadr options)))
       (if (and (exact-integer? limit) (positive? limit))
           limit
           (%raise-error 'RangeError (string-append name ": :concurrency must be a positive integer") limit))))
    (else (%raise-error 'TypeError (string-append name ": the only option is :concurrency n") options))))

; So many workers, each of which takes the next item until there is none. Gives a vector.
(define (%map-concurrently f source limit)
  (let* ((count (vector-length source))
         (results (make-vector count #f))
         (ticket (list 0)))
    (define (work)
      (let ((i (%next! ticket)))
        (if (< i count)
            (begin
              (vector-set! results i (f (vector-ref source i)))
              (work)))))
    (%scope
      (lambda ()
        (let spawn ((workers (min limit count)))
          (if (positive? workers)
              (begin
                (fiber/spawn work)
                (spawn (- workers 1)))))))
    results))

(define (parallel-map f items . options)
  (let ((limit (%concurrency "parallel-map" options)))
    (if (vector? items)
        (%map-concurrently f items limit)
        (vector->list (%map-concurrently f (list->vector items) limit)))))

(define (parallel-filter keep? items . options)
  (let* ((limit (%concurrency "parallel-filter" options))
         (source (if (vector? items) items (list->vector items)))
         (kept (%map-concurrently keep? source limit)))
    (let loop ((i (- (vector-length source) 1)) (found '()))
      (cond
        ((negative? i) (if (vector? items) (list->vector found) found))
        ((vector-ref kept i) (loop (- i 1) (cons (vector-ref source i) found)))
        (else (loop (- i 1) found))))))

; The vote that is there most often; of several, the one that came first.
(define (majority-vote votes)
  (let ((votes (if (vector? votes) (vector->list votes) votes))
        (counts (make-hash-table)))
    (if (null? votes)
        (%raise-error 'RangeError "majority-vote: there are no votes" votes))
    (for-each
      (lambda (vote)
        (hash-table-set! counts vote (+ 1 (hash-table-ref/default counts vote 0))))
      votes)
    (let loop ((at votes) (best (car votes)) (most 0))
      (if (null? at)
          best
          (let ((count (hash-table-ref/default counts (car at) 0)))
            (if (> count most)
                (loop (cdr at) (car at) count)
                (loop (cdr at) best most)))))))

; --- Answers piece by piece

; Calls `take` with each piece of the answer as it comes, and gives all of it. The next piece is asked for when `take` has
; returned. #f instead of a piece: what came so far is void, and the answer begins anew (:after-first-token "restart").
(define (llm.stream prompt take . options)
  (let ((stream (apply %stream-open prompt options)))
    (dynamic-wind
      (lambda () #f)
      (lambda ()
        (let loop ((pieces '()))
          (let ((piece (%stream-read stream)))
            (cond
              ((eof-object? piece) (apply string-append (reverse pieces)))
              (else
                (take piece)
                (loop (if piece (cons piece pieces) '())))))))
      (lambda () (%stream-close stream)))))
