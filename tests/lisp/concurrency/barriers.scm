; The last party lets all of them pass; then the next round begins.
(define b (barrier/new 3))
(define log '())
(define (party i)
  (fiber/spawn
    (lambda ()
      (for-each
        (lambda (round)
          (delay-ms (* i 2))
          (set! log (cons (list round 'before) log))
          (barrier/wait b)
          (set! log (cons (list round 'after) log)))
        '(1 2)))))
(for-each fiber/join (map party '(1 2 3)))
(define (index-of-last entry) (let loop ((at (reverse log)) (i 0) (found -1))
  (if (null? at) found (loop (cdr at) (+ i 1) (if (equal? (car at) entry) i found)))))
(define (index-of-first entry) (let loop ((at (reverse log)) (i 0))
  (if (equal? (car at) entry) i (loop (cdr at) (+ i 1)))))
(writeln (< (index-of-last '(1 before)) (index-of-first '(1 after)))) ; => #t
(writeln (< (index-of-last '(2 before)) (index-of-first '(2 after)))) ; => #t
(writeln (length log)) ; => 12
(writeln (guard (e (#t (condition-code e))) (barrier/new 0))) ; => RangeError
; Who is cancelled is no party.
(define lost (fiber/spawn (lambda () (barrier/wait b))))
(delay-ms 1)
(cancel lost)
(define rest (map (lambda (i) (fiber/spawn (lambda () (barrier/wait b) i))) '(1 2 3)))
(writeln (map fiber/join rest)) ; => (1 2 3)
