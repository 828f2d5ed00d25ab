; Actors handle one message after the other; the handler's value answers an ask.
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(define (counter)
  (let ((count 0))
    (actor/spawn (lambda (message)
                   (cond
                     ((number? message) (set! count (+ count message)) count)
                     ((procedure? message) (message))
                     (else count)))
                 :name "counter")))
(define a (counter))
(actor/send a 1)
(actor/send a 2)
(writeln (actor/ask a 'how-many 100)) ; => 3
; Messages of one sender stay in order; each is handled whole.
(define log '())
(define slow (actor/spawn (lambda (m) (let ((seen log)) (delay-ms 1) (set! log (cons m seen)) (length log))) :mailbox 2))
(with-scope
  (for-each
    (lambda (who) (fiber/spawn (lambda () (for-each (lambda (i) (actor/send slow (cons who i))) (iota 5)))))
    '(x y)))
(actor/ask slow 'last 100)
(define (of who) (map cdr (filter (lambda (m) (and (pair? m) (eq? (car m) who))) (reverse log))))
(writeln (list (length log) (of 'x) (of 'y))) ; => (11 (0 1 2 3 4) (0 1 2 3 4))
; An answer that comes too late, and one that comes then.
(define lazy (actor/spawn (lambda (ms) (delay-ms ms) ms)))
(writeln (code (lambda () (actor/ask lazy 10 5)))) ; => Timeout
(writeln (actor/ask lazy 1 50)) ; => 1
; An actor knows itself, and does not wait for itself.
(writeln (eq? a (actor/ask a actor/self 10))) ; => #t
(writeln (actor/self)) ; => #f
(writeln (code (lambda () (actor/ask a (lambda () (actor/ask a 1 10)) 10)))) ; => Deadlock
(writeln (code (lambda () (actor/send a 1)))) ; => ActorStopped
; Stop: what is in the mailbox is still handled.
(define b (counter))
(actor/send b 1)
(actor/send b 1)
(define asked (fiber/spawn (lambda () (actor/ask b 'all 10))))
(delay-ms 1)
(actor/stop b)
(actor/stop b)
(writeln (fiber/join asked)) ; => 2
(writeln (code (lambda () (actor/send b 1)))) ; => ActorStopped
(writeln (code (lambda () (actor/ask b 1 10)))) ; => ActorStopped
; The end of file is a message like any other.
(define seen '())
(define any (actor/spawn (lambda (m) (set! seen (cons (eof-object? m) seen)) (length seen))))
(actor/send any (eof-object))
(writeln (list (actor/ask any (eof-object) 10) seen)) ; => (2 (#t #t))
; A handler that fails: who asks gets the condition, who waits behind hears that the actor is over.
(define c (actor/spawn (lambda (m) (delay-ms 1) (if (eq? m 'bad) (error "bad message") m))))
(define asks (map (lambda (m) (fiber/spawn (lambda () (code (lambda () (actor/ask c m 100)))))) '(bad)))
(delay-ms 0.1)
(define behind (fiber/spawn (lambda () (code (lambda () (actor/ask c 'good 100))))))
(writeln (list (fiber/join (car asks)) (fiber/join behind))) ; => (UserError ActorStopped)
(writeln (list (actor? c) (actor? 5))) ; => (#t #f)
(writeln (code (lambda () (actor/send 5 1)))) ; => TypeError
(writeln (code (lambda () (actor/spawn 5)))) ; => TypeError
(writeln (code (lambda () (actor/spawn list :mailbox 0)))) ; => RangeError
(writeln (code (lambda () (actor/spawn list :mailbox 1e300)))) ; => RangeError
(writeln (code (lambda () (actor/spawn list :overflow "never")))) ; => RangeError
(writeln (code (lambda () (actor/ask lazy 1 'soon)))) ; => TypeError
(for-each actor/stop (list a slow lazy any))
; By the names of effects.
(define by-effect (effect actor.spawn (lambda (m) (if (eq? m 'self) (eq? by-effect (effect actor.self)) m))))
(effect actor.send by-effect 1)
(writeln (effect actor.ask by-effect 'self 10)) ; => #t
(effect actor.stop by-effect)
