; Permits are taken some at a time; a large request that waits is not overtaken.
(define s (semaphore/new 3 :name "pool"))
(define inside 0)
(define most 0)
(with-scope
  (for-each
    (lambda (i)
      (fiber/spawn
        (lambda ()
          (semaphore/acquire s)
          (set! inside (+ inside 1))
          (set! most (max most inside))
          (delay-ms 1)
          (set! inside (- inside 1))
          (semaphore/release s))))
    (iota 20)))
(writeln (list inside most (semaphore/available s))) ; => (0 3 3)
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(writeln (code (lambda () (semaphore/acquire s 4)))) ; => RangeError
(writeln (code (lambda () (semaphore/acquire s 0)))) ; => RangeError
(writeln (code (lambda () (semaphore/release s)))) ; => RangeError
(writeln (code (lambda () (semaphore/new 0)))) ; => RangeError
(writeln (code (lambda () (semaphore/new 1.5)))) ; => TypeError
(semaphore/acquire s 2)
(define log '())
(define (later permits ms)
  (fiber/spawn
    (lambda ()
      (delay-ms ms)
      (semaphore/acquire s permits)
      (set! log (cons permits log))
      (semaphore/release s permits))))
(define fibers (list (later 3 1) (later 1 2)))
(delay-ms 5)
(writeln log) ; => ()
(semaphore/release s 2)
(for-each fiber/join fibers)
(writeln (reverse log)) ; => (3 1)
