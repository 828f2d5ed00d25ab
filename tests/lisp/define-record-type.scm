; R7RS 5.5.
(define-record-type <pare> (kons x y) pare? (x kar set-kar!) (y kdr))
(writeln (pare? (kons 1 2))) ; => #t
(writeln (pare? (cons 1 2))) ; => #f
(writeln (kar (kons 1 2))) ; => 1
(writeln (kdr (kons 1 2))) ; => 2
(writeln (let ((k (kons 1 2))) (set-kar! k 3) (kar k))) ; => 3
; The constructor takes the fields in its own order, and not all of them.
(define-record-type thing (make-thing c a) thing? (a thing-a) (b thing-b set-thing-b!) (c thing-c))
(define t (make-thing 'c 'a))
(writeln (list (thing-a t) (thing-c t))) ; => (a c)
(set-thing-b! t 'b)
(writeln (thing-b t)) ; => b
; Types with the same name and the same fields are different types.
(define-record-type <pare> (kons2 x y) pare2? (x kar2) (y kdr2))
(writeln (list (pare? (kons2 1 2)) (pare2? (kons 1 2)))) ; => (#f #f)
; Records are no other kind of object.
(writeln (map (lambda (p?) (p? t)) (list vector? pair? procedure? symbol? null?))) ; => (#f #f #f #f #f)
(writeln (eqv? t t)) ; => #t
(writeln (equal? (kons 1 2) (kons 1 2))) ; => #f
(define (local)
  (define-record-type point (make-point x) point? (x point-x))
  (point-x (make-point 7)))
(writeln (local)) ; => 7
