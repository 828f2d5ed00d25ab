; A cancelled operation did nothing: what it would have sent is not received, what it waited for goes to the next.
(define ch (chan/new))
(define first (fiber/spawn (lambda () (chan/send ch 1))))
(delay-ms 1)
(define second (fiber/spawn (lambda () (chan/send ch 2))))
(delay-ms 1)
(cancel first)
(writeln (chan/recv ch)) ; => 2
(define r1 (fiber/spawn (lambda () (chan/recv ch))))
(delay-ms 1)
(define r2 (fiber/spawn (lambda () (chan/recv ch))))
(delay-ms 1)
(cancel r1)
(chan/send ch 3)
(writeln (fiber/join r2)) ; => 3
(writeln (with-timeout 5 (chan/recv ch) (lambda () 'late))) ; => late
(define m (mutex/new))
(mutex/lock m)
(define waiting (fiber/spawn (lambda () (mutex/lock m) 'never)))
(delay-ms 1)
(cancel waiting)
(mutex/unlock m)
(writeln (mutex/locked? m)) ; => #f
; Clean-up may give back what it has, also when it is cancelled.
(define s (semaphore/new 1))
(define holder
  (fiber/spawn
    (lambda ()
      (dynamic-wind
        (lambda () (semaphore/acquire s))
        (lambda () (delay-ms 1000))
        (lambda () (semaphore/release s))))))
(delay-ms 1)
(writeln (semaphore/available s)) ; => 0
(cancel holder)
(guard (e (#t #f)) (fiber/join holder))
(delay-ms 1) ; it unwinds
(writeln (semaphore/available s)) ; => 1
