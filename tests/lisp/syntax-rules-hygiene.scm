; R7RS 4.3.2: what a template introduces neither captures nor is captured.
(define-syntax be-like-begin
  (syntax-rules () ((_ name) (define-syntax name (syntax-rules () ((_ expr (... ...)) (begin expr (... ...))))))))
(be-like-begin sequence)
(writeln (sequence 1 2 3 4)) ; => 4
(writeln (let ((=> #f)) (cond (#t => 'ok)))) ; => ok
(define-syntax swap!
  (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))
(define tmp 1)
(define other 2)
(swap! tmp other)
(writeln (list tmp other)) ; => (2 1)
(define-syntax my-if
  (syntax-rules () ((_ c t e) (cond (c t) (else e)))))
(writeln (let ((else #f)) (my-if #f 1 2))) ; => 2
(define-syntax count-up
  (syntax-rules () ((_ n) (let loop ((i 0)) (if (< i n) (loop (+ i 1)) i)))))
(writeln (let ((loop 5) (i 3)) (count-up (+ loop i)))) ; => 8
; A redefined procedure is seen where the macro was defined.
(define (helper) 'top)
(define-syntax call-helper (syntax-rules () ((_) (helper))))
(writeln (let ((helper (lambda () 'local))) (call-helper))) ; => top
