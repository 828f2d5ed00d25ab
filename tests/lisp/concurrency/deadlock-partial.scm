; Some wait for ever while others run: the cycle is told as soon as it closes.
(define a (mutex/new))
(define b (mutex/new))
(define ticks 0)
(define running (async (lambda () (let loop ((i 0)) (if (< i 50) (begin (delay-ms 1) (set! ticks (+ ticks 1)) (loop (+ i 1))))))))
(define (take first second) (with-lock first (delay-ms 1) (with-lock second 'done)))
(define t1 (async (lambda () (take a b))))
(define t2 (async (lambda () (take b a))))
(define (outcome task) (guard (e (#t (condition-code e))) (await task)))
(define outcomes (list (outcome t1) (outcome t2)))
(writeln (list (if (memq 'Deadlock outcomes) #t #f) (if (memq 'done outcomes) #t #f) (< ticks 10))) ; => (#t #t #t)
(await running)
(writeln ticks) ; => 50
; A join of one that waits for the joiner.
(define m (mutex/new))
(define result
  (guard (e (#t (condition-code e)))
    (with-lock m
      (fiber/join (fiber/spawn (lambda () (with-lock m 'inner)))))))
(writeln result) ; => Deadlock
(writeln (mutex/locked? m)) ; => #f
; Everybody waits: who could still fill it? Whoever waits for that one hears of it.
(define iv (ivar/new))
(define waiter (async (lambda () (ivar/take iv))))
(writeln (outcome (async (lambda () (await waiter))))) ; => Deadlock
; What may take only so long is none.
(writeln (with-timeout 5 (ivar/take (ivar/new)) (lambda () 'late))) ; => late
(define mine (mutex/new))
(mutex/lock mine)
(writeln (with-timeout 5 (mutex/lock mine) (lambda () 'late))) ; => late
