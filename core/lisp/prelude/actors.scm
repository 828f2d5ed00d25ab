; Actors: fibers that handle one message after the other. Partner: lisp/mailboxes.cpp.
;
; An actor belongs to the fiber that spawned it, like every fiber. What it is about to answer stands in `current`: a
; question whose handler fails, or is cancelled, is answered with that.

(define %actor (%make-record-type 'actor '#(fiber mailbox current)))
(define %ask (%make-record-type '%ask '#(message reply)))
(define %self (make-parameter #f))

(define (actor? object) (%record? object %actor))
(define (%fiber-of actor) (%record-ref actor %actor 0 'actor))
(define (%mailbox-of actor) (%record-ref actor %actor 1 'actor))
(define (actor/self) (%self))

; (actor/spawn handler :mailbox n :overflow policy :name s)
(define (actor/spawn handler . options)
  (%spawn-actor handler options (lambda () 'normal)))

; `at-end` is called when it was stopped and has handled its last message.
(define (%spawn-actor handler options at-end)
  (%check-options "actor/spawn" options '(:mailbox :overflow :name))
  (if (not (procedure? handler)) (%raise-error 'TypeError "actor/spawn takes a procedure" handler))
  (let* ((name (%option options ':name #f))
         (policy (%option options ':overflow "wait"))
         (overflow (assoc (if (symbol? policy) (symbol->string policy) policy)
                          '(("wait" . 0) ("dropOldest" . 1) ("dropNewest" . 2) ("fail" . 3)))))
    (if (not overflow)
        (%raise-error 'RangeError "actor/spawn: :overflow must be wait, dropOldest, dropNewest or fail" policy))
    (let* ((size (%count-option "actor/spawn" options ':mailbox 1000))
           (mailbox (%mailbox-new size (cdr overflow) name %ask))
           (actor (%record %actor #f mailbox #f))
           (body (lambda () (%run-actor actor mailbox handler at-end))))
      (%record-set! actor %actor 0 (if name (fiber/spawn body ':name name) (fiber/spawn body)) 'actor)
      actor)))

(define (%run-actor actor mailbox handler at-end)
  (dynamic-wind
    (lambda () #f)
    (lambda ()
      (with-exception-handler
        (lambda (condition)
          ; Its own cancel is none of who asks.
          (if (not (and (error-object? condition) (eq? (condition-code condition) 'Cancelled)))
              (%answer actor (cons #f condition)))
          (raise-continuable condition))
        (lambda ()
          (parameterize ((%self actor))
            (%handle-messages actor mailbox handler)
            (at-end)))))
    (lambda ()
      (%answer actor (cons #f (%condition 'ActorStopped "the actor was stopped before it answered")))
      (%mailbox-release mailbox))))

(define (%handle-messages actor mailbox handler)
  (let ((message (%mailbox-receive mailbox)))
    (cond
      ((eof-object? message) 'normal)
      ((%record? message %ask)
       (%record-set! actor %actor 2 message 'actor)
       (%answer actor (cons #t (handler (%record-ref message %ask 0 'ask))))
       (%handle-messages actor mailbox handler))
      (else
       (handler message)
       (%handle-messages actor mailbox handler)))))

; Answers the question that is being handled, if there is one.
(define (%answer actor result)
  (let ((ask (%record-ref actor %actor 2 'actor)))
    (if ask
        (let ((reply (%record-ref ask %ask 1 'ask)))
          (%record-set! actor %actor 2 #f 'actor)
          (if (and reply (not (ivar/full? reply))) (ivar/put! reply result))))))

; The end of file would be the end of the mailbox.
(define (actor/send actor message)
  (%mailbox-send (%mailbox-of actor)
                 (if (eof-object? message) (%record %ask message #f) message)
                 #f
                 (%fiber-of actor))
  (if #f #f))

; The value that the handler gives for the message, within so many milliseconds.
(define (actor/ask actor message ms)
  (if (and (%self) (eq? (fiber/self) (%fiber-of actor)))
      (%raise-error 'Deadlock "actor/ask: an actor that asks itself would wait for ever" message))
  (let* ((reply (ivar/new))
         (begun (current-jiffy))
         (ask (%record %ask message reply))
         (sent (%mailbox-send (%mailbox-of actor) ask ms (%fiber-of actor)))
         (left (max 0 (- ms (/ (- (current-jiffy) begun) 1000))))
         (answer (and sent (cdr (%select (list (vector 'take reply #f)) left #f)))))
    (cond
      ((not (pair? answer)) (raise (%condition 'Timeout "actor/ask: there was no answer in time")))
      ((car answer) (cdr answer))
      (else (raise (cdr answer))))))

; It takes no more messages, handles those that it has, and ends.
(define (actor/stop actor)
  (%mailbox-close (%mailbox-of actor)))

; Calls proc, in a fiber of the caller's, when the actor is over: with the symbol normal, or with what it failed with.
; Gives that fiber: to cancel it is to monitor no longer.
(define (actor/monitor actor proc)
  (let ((target (%fiber-of actor)))
    (fiber/spawn
      (lambda ()
        (%settled target)
        (let ((reason (guard (e (#t e)) (fiber/join target) 'normal)))
          (check-cancellation)
          (proc reason))))))

; When one of them does not end normally, the other is cancelled. Who watches belongs to nobody, and runs no code of the
; program's.
(define (actor/link one other)
  (let ((watch
          (lambda (target partner)
            (%spawn-watcher
              (lambda ()
                (if (not (eq? (%settled target) 'completed)) (cancel partner "an actor that it is linked to is over")))))))
    (watch (%fiber-of one) (%fiber-of other))
    (watch (%fiber-of other) (%fiber-of one))
    (if #f #f)))
