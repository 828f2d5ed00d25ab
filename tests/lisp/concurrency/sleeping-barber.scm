; One barber, three chairs: who finds them taken goes away, everybody else is shaved once.
(define chairs (chan/new 3))
(define shaved '())
(define barber
  (fiber/spawn
    (lambda ()
      (let loop ()
        (let ((customer (chan/recv chairs)))
          (if (not (eof-object? customer))
              (begin
                (delay-ms 10)
                (set! shaved (cons (car customer) shaved))
                (ivar/put! (cdr customer) 'shaved)
                (loop))))))))
(define (visit name)
  (let ((done (ivar/new)))
    (chan/select
      (send chairs (cons name done) (ivar/take done))
      (default 'away))))
; The barber sleeps until somebody comes.
(delay-ms 5)
(writeln (visit 0)) ; => shaved
; One is shaved and three wait; two come in vain.
(define visits
  (map (lambda (i) (let ((v (fiber/spawn (lambda () (visit i))))) (delay-ms 1) v)) (iota 6 1)))
(writeln (map fiber/join visits)) ; => (shaved shaved shaved shaved away away)
(writeln (visit 7)) ; => shaved
(chan/close chairs)
(fiber/join barber)
(writeln (reverse shaved)) ; => (0 1 2 3 4 7)
