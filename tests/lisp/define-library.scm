; R7RS 5.6: exports, renaming, begin, a state of its own.
(define-library (example counter)
  (export make-counter (rename internal-next next!) (rename total total-count))
  (import (scheme base))
  (begin
    (define counts 0)
    (define (make-counter) (list 0))
    (define (internal-next c)
      (set! counts (+ counts 1))
      (set-car! c (+ 1 (car c)))
      (car c))
    (define (total) counts)))
(import (heddle) (example counter))
(define c (make-counter))
(define d (make-counter))
(next! c)
(next! c)
(writeln (next! c)) ; => 3
(writeln (next! d)) ; => 1
(writeln (total-count)) ; => 4
(writeln (guard (e (#t (condition-code e))) (eval 'counts (interaction-environment)))) ; => UnboundVariable
