; R7RS 4.2.4.
(writeln
 (let loop ((numbers '(3 -2 1 6 -5)) (nonneg '()) (neg '()))
   (cond ((null? numbers) (list nonneg neg))
         ((>= (car numbers) 0) (loop (cdr numbers) (cons (car numbers) nonneg) neg))
         ((< (car numbers) 0) (loop (cdr numbers) nonneg (cons (car numbers) neg)))))) ; => ((6 1 3) (-5 -2))
; The name is not seen by the initial values.
(define loop 'outer)
(writeln (let loop ((x loop)) (if (symbol? x) (loop (list x)) x))) ; => (outer)
; The loop is a procedure, and may be kept.
(define kept #f)
(let again ((n 0)) (set! kept again) n)
(writeln (kept 7)) ; => 7
