; Computations that several fibers ask for and that are made once. Partner: lisp/flights.cpp, which reads and writes the
; fields of these records by their numbers.

(define %flight (%make-record-type '%flight '#(flights key fiber until next previous)))
(define %flights (%make-record-type '%flights '#(flight-type table ttl most first last kept)))

; ttl: how long a value is kept, in microseconds; #f: not at all, #t: for ever. most: how many are kept at most, or #f.
(define (%make-flights ttl most)
  (%record %flights %flight (make-hash-table) ttl most #f #f 0))

; --- Options: a list of keywords, each with its value

(define (%check-options name options allowed)
  (let loop ((at options))
    (cond
      ((null? at))
      ((not (memq (car at) allowed)) (%raise-error 'TypeError (string-append name ": an option was expected") (car at)))
      ((null? (cdr at)) (%raise-error 'ArityError (string-append name ": a keyword without a value") (car at)))
      (else (loop (cddr at))))))

(define (%option options key default)
  (cond
    ((null? options) default)
    ((eq? (car options) key) (cadr options))
    (else (%option (cddr options) key default))))

(define (%count-option name options key default)
  (let ((value (%option options key default)))
    (if (or (eq? value default) (and (exact-integer? value) (positive? value)))
        value
        (%raise-error 'RangeError (string-append name ": " (symbol->string key) " must be a positive integer") value))))

; ---

; Gives a procedure (sf key thunk): the value of the thunk, which runs once for all who ask for equal keys meanwhile.
(define (make-singleflight . options)
  (%check-options "make-singleflight" options '(:ttl :samples))
  (let* ((ms (%option options ':ttl #f))
         (samples (%count-option "make-singleflight" options ':samples #f))
         (flights (%make-flights (and ms (%microseconds "make-singleflight :ttl" ms)) #f)))
    (lambda (key thunk)
      (if (not (procedure? thunk)) (%raise-error 'TypeError "a singleflight takes a key and a procedure" thunk))
      (let ((compute (if samples (lambda () (%parallel (make-list samples thunk))) thunk)))
        (%fly flights key (if ms (lambda () (%land flights (compute))) compute))))))

; Gives a procedure like f that computes the value for equal arguments once, and keeps the last values that were used.
(define (memoize f . options)
  (%check-options "memoize" options '(:max))
  (if (not (procedure? f)) (%raise-error 'TypeError "memoize takes a procedure" f))
  (let ((flights (%make-flights #t (%count-option "memoize" options ':max #f))))
    (lambda arguments
      (%fly flights arguments (lambda () (%land flights (apply f arguments)))))))
