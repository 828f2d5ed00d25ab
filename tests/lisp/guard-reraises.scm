; R7RS 4.2.7: without a clause that holds, the object is raised again where it was raised, by raise-continuable.
(writeln
 (guard (outer (#t (list 'outer outer)))
   (guard (inner ((string? inner) 'string))
     (raise 'symbol)))) ; => (outer symbol)
(writeln
 (with-exception-handler
  (lambda (e) 10)
  (lambda ()
    (+ 1 (guard (e ((string? e) 'string))
           (+ 100 (raise-continuable 'continue))))))) ; => 111
; The after-thunks between are run, and the before-thunks again on the way back.
(define trail '())
(define (note x) (set! trail (cons x trail)))
(guard (e (#t (note 'caught)))
  (guard (e ((string? e) 'never))
    (dynamic-wind
     (lambda () (note 'in))
     (lambda () (raise 'oops))
     (lambda () (note 'out)))))
(writeln (reverse trail)) ; => (in out in out caught)
