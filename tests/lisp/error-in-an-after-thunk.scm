; An error that an after-thunk raises while another error unwinds takes its place.
(define (try thunk) (guard (e (#t (list 'caught (if (error-object? e) (error-object-message e) e)))) (thunk)))
(writeln (try (lambda () (dynamic-wind (lambda () #f) (lambda () (error "body")) (lambda () (error "after")))))) ; => (caught "after")
(writeln (try (lambda () (dynamic-wind (lambda () (error "before")) (lambda () 'body) (lambda () (error "after")))))) ; => (caught "before")
(writeln (try (lambda () (dynamic-wind (lambda () #f) (lambda () 'body) (lambda () (raise 'after)))))) ; => (caught after)
(define handled '())
(guard (e (#t (set! handled (cons e handled))))
  (dynamic-wind
   (lambda () #f)
   (lambda () (raise 'one))
   (lambda () (guard (e (#t (set! handled (cons e handled)))) (raise 'two)))))
(writeln (reverse handled)) ; => (two one)
(dynamic-wind (lambda () #f) (lambda () (error "body")) (lambda () (writeln 'run-at-the-end)))
; => run-at-the-end
; error: UserError
