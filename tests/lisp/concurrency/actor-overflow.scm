; What a full mailbox does with one message more.
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(define (busy policy)
  (let* ((log '())
         (actor (actor/spawn
                  (lambda (m) (if (number? m) (begin (set! log (cons m log)) (delay-ms 10)) (reverse log)))
                  :mailbox 2 :overflow policy)))
    (actor/send actor 1)
    (delay-ms 1)
    actor))
(define (send-all actor)
  (map (lambda (m) (code (lambda () (actor/send actor m) 'sent))) '(2 3 4)))
(define a (busy "wait"))
(define before (current-jiffy))
(writeln (send-all a)) ; => (sent sent sent)
(writeln (>= (- (current-jiffy) before) 9000)) ; => #t
(writeln (actor/ask a 'log 100)) ; => (1 2 3 4)
(define b (busy "dropOldest"))
(writeln (send-all b)) ; => (sent sent sent)
(delay-ms 50)
(writeln (actor/ask b 'log 100)) ; => (1 3 4)
(define c (busy 'dropNewest))
(writeln (send-all c)) ; => (sent sent sent)
(delay-ms 50)
(writeln (actor/ask c 'log 100)) ; => (1 2 3)
(define d (busy "fail"))
(writeln (send-all d)) ; => (sent sent MailboxFull)
(delay-ms 50)
(writeln (actor/ask d 'log 100)) ; => (1 2 3)
; A question that is dropped is answered with that; one that finds no room in time with Timeout.
(define e (busy "dropOldest"))
(define dropped (fiber/spawn (lambda () (code (lambda () (actor/ask e 'log 100))))))
(delay-ms 1)
(send-all e)
(writeln (fiber/join dropped)) ; => MailboxFull
(define f (busy "dropNewest"))
(send-all f)
(writeln (code (lambda () (actor/ask f 'log 100)))) ; => MailboxFull
(define g (busy "wait"))
(actor/send g 2)
(actor/send g 3)
(writeln (code (lambda () (actor/ask g 'log 5)))) ; => Timeout
; Who waits to send hears of the end.
(define h (actor/spawn (lambda (m) (delay-ms 5) (error "crash")) :mailbox 1))
(actor/send h 1)
(delay-ms 1)
(actor/send h 2)
(writeln (code (lambda () (actor/send h 3)))) ; => ActorStopped
(for-each actor/stop (list a b c d e f g))
