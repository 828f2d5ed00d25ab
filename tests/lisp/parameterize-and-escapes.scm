; R7RS 4.2.6: whoever leaves or re-enters the body sees the values of where it is.
(define p (make-parameter 'outside))
(writeln (call/cc (lambda (k) (parameterize ((p 'inside)) (k (p)))))) ; => inside
(writeln (p)) ; => outside
(writeln (guard (e (#t (list e (p)))) (parameterize ((p 'inside)) (raise (p))))) ; => (inside outside)
(define again #f)
(define seen '())
(parameterize ((p 'inside))
  (call/cc (lambda (k) (set! again k)))
  (set! seen (cons (p) seen)))
(set! seen (cons (p) seen))
(if (< (length seen) 4) (again #f))
(writeln (reverse seen)) ; => (inside outside inside outside)
