; chan/select does one of its cases, and evaluates that case's body.
(define a (chan/new 1))
(define b (chan/new))
(define iv (ivar/new))
(define m (mutex/new))
(define s (semaphore/new 1))
(writeln (chan/select (recv a (v) v) (default 'nothing))) ; => nothing
(writeln (chan/select (send b 1 'sent) (default 'nobody))) ; => nobody
(writeln (chan/select (send a 1 'sent) (recv b (v) v))) ; => sent
(writeln (chan/select (recv b (v) v) (recv a (v) (list 'a v)))) ; => (a 1)
(writeln (chan/select (recv a (v) v) (after 5 'late))) ; => late
(writeln (chan/select (recv a (v) v) (after 0 'at-once))) ; => at-once
(writeln (chan/select (after 3 'only-time))) ; => only-time
(fiber/spawn (lambda () (delay-ms 2) (chan/send b 'hello)))
(writeln (chan/select (recv a (v) v) (take iv (v) v) (recv b (v) (define w v) w) (after 100 'late))) ; => hello
(fiber/spawn (lambda () (delay-ms 2) (ivar/put! iv 'full)))
(writeln (chan/select (recv a (v) v) (take iv (v) v))) ; => full
(writeln (chan/select (lock m (let ((was (mutex/locked? m))) (mutex/unlock m) was)) (recv a (v) v))) ; => #t
(writeln (chan/select (acquire s (semaphore/available s)) (recv a (v) v))) ; => 0
; Permits that come later are no value, and the values on their way stay where they are.
(define full (chan/new 3))
(for-each (lambda (i) (chan/send full i)) '(1 2 3))
(fiber/spawn (lambda () (delay-ms 2) (semaphore/release s)))
(writeln (chan/select (acquire s 'acquired) (recv a (v) v))) ; => acquired
(writeln (list (chan/recv full) (chan/recv full) (chan/recv full))) ; => (1 2 3)
(writeln (eof-object? (let ((c (chan/new))) (chan/close c) (chan/select (recv c (v) v))))) ; => #t
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(writeln (code (lambda () (let ((c (chan/new))) (chan/close c) (chan/select (send c 1) (default 1)))))) ; => ChannelClosed
(writeln (code (lambda () (chan/select (recv iv (v) v))))) ; => TypeError
(writeln (code (lambda () (chan/select)))) ; => RangeError
; Two that could both send and receive meet once.
(define meet (chan/new))
(define (either value)
  (fiber/spawn (lambda () (chan/select (send meet value 'sent) (recv meet (v) (list 'got v))))))
(define left (either 1))
(define right (either 1))
(define both (list (fiber/join left) (fiber/join right)))
(writeln (list (if (member 'sent both) #t #f) (if (member '(got 1) both) #t #f))) ; => (#t #t)
; What was not done left nothing behind.
(writeln (chan/select (recv a (v) v) (recv b (v) v) (recv meet (v) v) (default 'empty))) ; => empty
