; A mutex has one holder; the next in line has it before it runs.
(define m (mutex/new :name "m"))
(define inside 0)
(define most 0)
(define (work)
  (with-lock m
    (set! inside (+ inside 1))
    (set! most (max most inside))
    (yield)
    (delay-ms 1)
    (set! inside (- inside 1))))
(with-scope
  (for-each (lambda (i) (fiber/spawn work)) (iota 20)))
(writeln (list inside most (mutex/locked? m) (mutex? m) (mutex? 5))) ; => (0 1 #f #t #f)
(writeln m) ; => #<mutex 1 m>
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(writeln (code (lambda () (mutex/unlock m)))) ; => MutexNotHeld
(writeln (code (lambda () (with-lock m (mutex/lock m))))) ; => MutexReentry
(writeln (mutex/locked? m)) ; => #f
(writeln (code (lambda () (with-lock m (error "inside"))))) ; => UserError
(writeln (mutex/locked? m)) ; => #f
(writeln (code (lambda () (mutex/lock 5)))) ; => TypeError
(writeln (code (lambda () (mutex/new 5)))) ; => TypeError
(writeln (code (lambda () (mutex/new :name)))) ; => ArityError
; Left and entered again by a continuation: given back and taken again.
(define k #f)
(define seen '())
(with-lock m
  (call/cc (lambda (c) (set! k c)))
  (set! seen (cons (mutex/locked? m) seen)))
(if (< (length seen) 3) (k #f))
(writeln seen) ; => (#t #t #t)
(writeln (mutex/locked? m)) ; => #f
