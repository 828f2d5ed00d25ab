; Supervisors: actors that start others, and start them again when they end. A supervisor is an actor: it can be a child
; of another, be monitored and be stopped; what it cannot mend ends it, and is its own supervisor's to mend.
;
; A child here is a vector #(id start restart actor generation); the word that one of an earlier generation is over means
; nothing any more.

(define %start-tag (list 'start))
(define %child-tag (list 'child))
(define %down-tag (list 'down))

; (supervisor/start children :strategy s :intensity n :period ms :shutdown ms :name s); a child is
; (list id start [restart]): start is called without arguments and gives an actor; restart is permanent, transient (not
; after a normal end) or temporary (never).
(define (supervisor/start children . options)
  (%check-options "supervisor/start" options '(:strategy :intensity :period :shutdown :name))
  (let* ((given (%option options ':strategy "one-for-one"))
         (strategy (if (symbol? given) (symbol->string given) given))
         (intensity (%option options ':intensity 1))
         (period (%microseconds "supervisor/start :period" (%option options ':period 5000)))
         (shutdown (%option options ':shutdown 5000))
         (name (%option options ':name #f))
         (all (map %new-child (if (list? children) children (%raise-error 'TypeError "supervisor/start takes a list of children" children))))
         (restarts '()))
    (define (start! child)
      (let ((actor ((vector-ref child 1)))
            (generation (+ 1 (vector-ref child 4))))
        (if (not (actor? actor)) (%raise-error 'TypeError "the start of a child must give an actor" actor))
        (vector-set! child 3 actor)
        (vector-set! child 4 generation)
        (let ((self (actor/self)))
          (actor/monitor actor
            (lambda (reason)
              (guard (e (#t #f)) (actor/send self (vector %down-tag child generation reason))))))))
    (define (stop! child)
      (let ((actor (vector-ref child 3)))
        (if actor
            (let ((fiber (%fiber-of actor)))
              (vector-set! child 3 #f)
              (vector-set! child 4 (+ 1 (vector-ref child 4)))
              (actor/stop actor)
              (with-timeout shutdown (%settled fiber) (lambda () (cancel fiber "its supervisor stops it")))
              (%over fiber)))))
    (define (stop-all!) (for-each stop! (reverse all)))
    ; Those that end with this one and are started again with it.
    (define (group-of child)
      (cond
        ((string=? strategy "one-for-one") (list child))
        ((string=? strategy "one-for-all") all)
        (else (memq child all))))
    ; Starts those that are to be there; #f, or the child that could not be started.
    (define (start-group! group)
      (cond
        ((null? group) #f)
        ((eq? (vector-ref (car group) 2) 'temporary) (start-group! (cdr group)))
        ((guard (e (#t #f)) (start! (car group)) #t) (start-group! (cdr group)))
        (else (check-cancellation) (car group))))
    (define (restart! child)
      (let ((now (current-jiffy)))
        (set! restarts (cons now (filter (lambda (then) (< (- now then) period)) restarts)))
        (if (> (length restarts) intensity)
            (begin
              (stop-all!)
              (raise (%condition 'SupervisionError "a supervisor's children ended more often than it may start them again"))))
        (let ((group (group-of child)))
          (for-each stop! (reverse group))
          (let ((failed (start-group! group)))
            (if failed (restart! failed))))))
    (define (down! child generation reason)
      (if (= generation (vector-ref child 4))
          (let ((restart (vector-ref child 2)))
            (vector-set! child 3 #f)
            (if (or (eq? restart 'permanent) (and (eq? restart 'transient) (not (eq? reason 'normal))))
                (restart! child)))))
    (define (handle message)
      (cond
        ((eq? message %start-tag)
         (guard (e (#t (stop-all!) (raise e))) (for-each start! all)))
        ((and (pair? message) (eq? (car message) %child-tag))
         (let ((found (filter (lambda (child) (equal? (vector-ref child 0) (cdr message))) all)))
           (and (pair? found) (vector-ref (car found) 3))))
        ((and (vector? message) (= (vector-length message) 4) (eq? (vector-ref message 0) %down-tag))
         (down! (vector-ref message 1) (vector-ref message 2) (vector-ref message 3)))
        (else #f)))
    (if (not (member strategy '("one-for-one" "one-for-all" "rest-for-one")))
        (%raise-error 'RangeError "supervisor/start: :strategy must be one-for-one, one-for-all or rest-for-one" given))
    (if (not (and (exact-integer? intensity) (>= intensity 0)))
        (%raise-error 'RangeError "supervisor/start: :intensity must be an integer that is not negative" intensity))
    (%microseconds "supervisor/start :shutdown" shutdown)
    (let ((supervisor (%spawn-actor handle (if name (list ':name name) '()) stop-all!)))
      (actor/ask supervisor %start-tag +inf.0)
      supervisor)))

(define (%new-child description)
  (if (and (list? description) (<= 2 (length description) 3) (procedure? (cadr description))
           (memq (if (pair? (cddr description)) (caddr description) 'permanent) '(permanent transient temporary)))
      (vector (car description) (cadr description) (if (pair? (cddr description)) (caddr description) 'permanent) #f 0)
      (%raise-error 'TypeError "a child is a list of an id, a procedure and permanent, transient or temporary" description)))

; The actor that is there for that id now, or #f.
(define (supervisor/child supervisor id)
  (actor/ask supervisor (cons %child-tag id) +inf.0))

; Stops its children, the last one first, and ends; returns when all of that is done.
(define (supervisor/stop supervisor)
  (actor/stop supervisor)
  (%over (%fiber-of supervisor))
  (if #f #f))
