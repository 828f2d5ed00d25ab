; An ivar is written once, and read by any number without being emptied.
(define iv (ivar/new))
(writeln (ivar/full? iv)) ; => #f
(define readers (map (lambda (i) (fiber/spawn (lambda () (+ i (ivar/take iv))))) (iota 3)))
(yield)
(ivar/put! iv 10)
(writeln (map fiber/join readers)) ; => (10 11 12)
(writeln (list (ivar/take iv) (ivar/take iv) (ivar/full? iv) (ivar? iv))) ; => (10 10 #t #t)
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(writeln (code (lambda () (ivar/put! iv 11)))) ; => IVarFull
(writeln (ivar/take iv)) ; => 10
(writeln (code (lambda () (ivar/take 10)))) ; => TypeError
; Whatever it holds: also what is false, or the ivar itself.
(define odd (ivar/new))
(effect ivar.put odd #f)
(writeln (effect ivar.take odd)) ; => #f
(define self (ivar/new))
(ivar/put! self self)
(writeln (eq? self (ivar/take self))) ; => #t
