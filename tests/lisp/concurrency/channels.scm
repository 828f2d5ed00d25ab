; Values come out in the order in which they went in, through any capacity, until the channel is closed and drained.
(define (stream capacity)
  (define ch (chan/new capacity))
  (fiber/spawn
    (lambda ()
      (for-each (lambda (i) (chan/send ch (* i i))) (iota 10))
      (chan/close ch)))
  (let loop ((got '()))
    (let ((v (chan/recv ch)))
      (if (eof-object? v)
          (reverse got)
          (loop (cons v got))))))
(for-each (lambda (capacity) (writeln (stream capacity))) '(0 1 3 100))
; => (0 1 4 9 16 25 36 49 64 81)
; => (0 1 4 9 16 25 36 49 64 81)
; => (0 1 4 9 16 25 36 49 64 81)
; => (0 1 4 9 16 25 36 49 64 81)
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(define ch (chan/new))
(define sender (fiber/spawn (lambda () (chan/send ch 'held) 'sent)))
(yield)
(delay-ms 1)
(chan/close ch)
(chan/close ch)
(writeln (code (lambda () (chan/send ch 1)))) ; => ChannelClosed
; What a blocked sender holds is still received.
(writeln (list (chan/recv ch) (fiber/join sender) (eof-object? (chan/recv ch)))) ; => (held sent #t)
; One value, one receiver.
(define shared (chan/new 5))
(define sums (map (lambda (w)
                    (fiber/spawn
                      (lambda ()
                        (let loop ((sum 0))
                          (let ((v (chan/recv shared)))
                            (if (eof-object? v) sum (loop (+ sum v))))))))
                  (iota 4)))
(for-each (lambda (i) (chan/send shared i)) (iota 100))
(chan/close shared)
(writeln (apply + (map fiber/join sums))) ; => 4950
(writeln (code (lambda () (chan/new -1)))) ; => RangeError
(writeln (code (lambda () (chan/new 'many)))) ; => TypeError
(writeln (code (lambda () (chan/send 5 5)))) ; => TypeError
