; mutex/try-lock gives #f where it would have to wait, or to wait for longer than it may.
(define m (make-mutex))
(writeln (mutex/try-lock m)) ; => #t
(define (other thunk) (fiber/join (fiber/spawn thunk)))
(writeln (other (lambda () (mutex/try-lock m)))) ; => #f
(writeln (other (lambda () (mutex/try-lock m 5)))) ; => #f
(define waiter (fiber/spawn (lambda () (mutex/try-lock m 1000))))
(delay-ms 10)
(mutex/unlock m)
(writeln (fiber/join waiter)) ; => #t
; It ended with the mutex, which is free then.
(writeln (mutex/try-lock m 0)) ; => #t
(writeln (guard (e (#t (condition-code e))) (mutex/try-lock m -1))) ; => RangeError
(writeln (guard (e (#t (condition-code e))) (effect mutex.try-acquire m 5))) ; => MutexReentry
(effect mutex.release m)
(writeln (mutex/locked? m)) ; => #f
