; Forms and procedures over mutexes, ivars and channels. Their partner is builtins/synchronization.cpp.

; Runs the body while it holds the mutex; gives the mutex back however the body is left, and takes it again where the body
; is entered again by a continuation.
(define-syntax with-lock
  (syntax-rules ()
    ((_ mutex body ...) (%with-lock mutex (lambda () body ...)))))

(define (%with-lock mutex thunk)
  (dynamic-wind
    (lambda () (mutex/lock mutex))
    thunk
    (lambda () (mutex/unlock mutex))))

; Gives a procedure that makes procedures take turns (SICP 3.4.2): those that one serializer gave never run at once.
(define (make-serializer)
  (let ((mutex (mutex/new)))
    (lambda (proc)
      (if (procedure? proc)
          (lambda arguments (%with-lock mutex (lambda () (apply proc arguments))))
          (%raise-error 'TypeError "a serializer takes a procedure" proc)))))

; Does the first of its cases that can be done, and evaluates its body:
;
;   (recv channel (v) body ...)   v is the value, or the eof object of a closed channel
;   (send channel value body ...)
;   (take ivar (v) body ...)  (lock mutex body ...)  (acquire semaphore body ...)
;   (after ms body ...)           none could be done for so long
;   (default body ...)            none can be done at once
;
; Of several that can be done at once the seed chooses.
(define-syntax chan/select
  (syntax-rules ()
    ((_ clause ...) (%chan-select () #f #f clause ...))))

(define-syntax %body
  (syntax-rules ()
    ((_) (if #f #f))
    ((_ form ...) (let () form ...))))

(define-syntax %chan-select
  (syntax-rules (recv send take lock acquire after default)
    ((_ (case ...) late default-thunk) (%run-select (list case ...) late default-thunk))
    ((_ (case ...) late default-thunk (recv channel (v) body ...) clause ...)
     (%chan-select (case ... (vector 'recv channel #f (lambda (v) (%body body ...)))) late default-thunk clause ...))
    ((_ (case ...) late default-thunk (take ivar (v) body ...) clause ...)
     (%chan-select (case ... (vector 'take ivar #f (lambda (v) (%body body ...)))) late default-thunk clause ...))
    ((_ (case ...) late default-thunk (send channel value body ...) clause ...)
     (%chan-select (case ... (vector 'send channel value (lambda (v) (%body body ...)))) late default-thunk clause ...))
    ((_ (case ...) late default-thunk (lock mutex body ...) clause ...)
     (%chan-select (case ... (vector 'lock mutex #f (lambda (v) (%body body ...)))) late default-thunk clause ...))
    ((_ (case ...) late default-thunk (acquire semaphore body ...) clause ...)
     (%chan-select (case ... (vector 'acquire semaphore #f (lambda (v) (%body body ...)))) late default-thunk clause ...))
    ((_ cases #f default-thunk (after ms body ...) clause ...)
     (%chan-select cases (cons ms (lambda () (%body body ...))) default-thunk clause ...))
    ((_ cases late #f (default body ...) clause ...)
     (%chan-select cases late (lambda () (%body body ...)) clause ...))))

(define (%run-select cases late default)
  (let* ((found (%select cases (and late (car late)) (and default #t)))
         (index (car found)))
    (cond
      ((eq? index 'timeout) ((cdr late)))
      ((eq? index 'default) (default))
      (else ((vector-ref (list-ref cases index) 3) (cdr found))))))
