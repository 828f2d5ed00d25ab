; SICP 3.4.2: two serializers, nested in opposite order. Who closes the circle gets the condition Deadlock, gives back
; what it holds, and the other goes on.
(define s (make-serializer))
(define t (make-serializer))
(define inside 0)
(define (outer one other)
  ((one (lambda ()
          (set! inside (+ inside 1))
          (delay-ms 5)
          ((other (lambda () 'done)))))))
(define (try one other)
  (fiber/spawn (lambda () (guard (e (#t (condition-code e))) (outer one other)))))
(define both (list (try s t) (try t s)))
(define results (map fiber/join both))
(writeln (if (member results '((Deadlock done) (done Deadlock))) 'one results)) ; => one
; The serializers are free again.
(writeln (list inside (outer s t) (outer t s))) ; => (2 done done)
