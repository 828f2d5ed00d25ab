; Control: the dynamic state of a fiber, over builtins/control.cpp.
;
; What forms expand into:
;   (guard (e clause ...) body ...)   (%guard (lambda () body ...) (lambda (e reraise) (cond clause ... (else (reraise)))))
;   (guard (e clause ... (else ...)) body ...)   (%guard-all (lambda () body ...) (lambda (e) (cond clause ... (else ...))))
;   (parameterize ((p v) ...) body)   (%with-parameters (list (cons p v) ...) (lambda () body))
;
; The state: %handlers is a list of procedures, innermost first; %parameters an association list; %winders a list of
; winders, innermost first. A winder is ((before . after) . (handlers . parameters)), the latter as they were outside.

(define (with-exception-handler handler thunk)
  (if (not (procedure? handler)) (%type-error 'with-exception-handler 1 "a procedure" handler))
  (let ((outer (%handlers)))
    (%set-handlers! (cons handler outer))
    (let ((result (thunk)))
      (%set-handlers! outer)
      result)))

(define (raise-continuable object)
  (let ((handlers (%handlers)))
    (if (null? handlers)
        (raise object)
        (begin
          (%set-handlers! (cdr handlers))
          (let ((result ((car handlers) object)))
            (%set-handlers! handlers)
            result)))))

; The machine calls this in the place of an instruction that raised; it does not return.
(%set-hook! 0
  (lambda (object)
    (let ((handlers (%handlers)))
      (if (null? handlers)
          (begin
            (%unwind '())
            (%fail object))
          (begin
            (%set-handlers! (cdr handlers))
            ((car handlers) object)
            (%set-handlers! (cdr handlers))
            (%raise-unhandled object))))))

; --- Winding

(define (dynamic-wind before thunk after)
  (before)
  (let ((outer (%winders)))
    (%set-winders! (cons (cons (cons before after) (cons (%handlers) (%parameters))) outer))
    (let ((result (thunk)))
      (%set-winders! outer)
      (after)
      result)))

(define (%set-state-of-winder! winder)
  (%set-handlers! (car (cdr winder)))
  (%set-parameters! (cdr (cdr winder))))

; Leaves winders until those are left.
(define (%unwind target)
  (let ((winders (%winders)))
    (if (not (eq? winders target))
        (let ((winder (car winders)))
          (%set-winders! (cdr winders))
          (%set-state-of-winder! winder)
          ((cdr (car winder)))
          (%unwind target)))))

; Enters winders, outermost first.
(define (%rewind target common)
  (let loop ((at target) (inner '()))
    (if (not (eq? at common))
        (loop (cdr at) (cons at inner))
        (let enter ((at inner))
          (if (pair? at)
              (let ((winder (car (car at))))
                (%set-state-of-winder! winder)
                ((car (car winder)))
                (%set-winders! (car at))
                (enter (cdr at))))))))

(define (%common a b)
  (let loop ((a a) (b b) (m (length a)) (n (length b)))
    (cond ((> m n) (loop (cdr a) b (- m 1) n))
          ((< m n) (loop a (cdr b) m (- n 1)))
          ((eq? a b) a)
          (else (loop (cdr a) (cdr b) (- m 1) (- n 1))))))

; The machine calls this where a continuation is entered from other winders than its own.
(%set-hook! 1
  (lambda (continuation value)
    (let* ((target (%continuation-winders continuation))
           (common (%common (%winders) target)))
      (%unwind common)
      (%rewind target common)
      (%enter continuation value))))

; --- Values

(define (call-with-values producer consumer)
  (%apply-values consumer (producer)))

; --- Parameters

(define (make-parameter value . rest)
  (if (null? rest)
      (%make-parameter value #f)
      (%make-parameter ((car rest) value) (car rest))))

(define (%with-parameters pairs thunk)
  (let loop ((at pairs) (parameters (%parameters)))
    (if (pair? at)
        (let* ((parameter (car (car at)))
               (converter (%parameter-converter parameter))
               (value (if converter (converter (cdr (car at))) (cdr (car at)))))
          (loop (cdr at) (cons (cons parameter value) parameters)))
        (let ((outer (%parameters)))
          (%set-parameters! parameters)
          (let ((result (thunk)))
            (%set-parameters! outer)
            result)))))

; --- guard (R7RS 4.2.7): the clauses run in the dynamic environment of the guard; if none applies, it is raised again
; in that of the raise.

(define (%guard thunk handler)
  ((%call/cc
     (lambda (guard-k)
       (let ((outer (%handlers)))
         (%set-handlers!
           (cons
             (lambda (condition)
               ((%call/cc
                  (lambda (handler-k)
                    (guard-k
                      (lambda ()
                        (handler condition
                                 (lambda () (handler-k (lambda () (raise-continuable condition)))))))))))
             outer))
         (let ((result (thunk)))
           (%set-handlers! outer)
           (lambda () result)))))))

; A continuation of the handler's would keep alive what the frames of the raise hold, as long as the frame of the guard
; lives: all that a program has filled the heap with, where it catches HeapLimit.
(define (%guard-all thunk handler)
  ((%call/cc
     (lambda (guard-k)
       (let ((outer (%handlers)))
         (%set-handlers! (cons (lambda (condition) (guard-k (lambda () (handler condition)))) outer))
         (let ((result (thunk)))
           (%set-handlers! outer)
           (lambda () result)))))))
