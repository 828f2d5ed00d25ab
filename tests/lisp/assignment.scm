; R7RS 4.1.6.
(define x 2)
(writeln (+ x 1)) ; => 3
(set! x 4)
(writeln (+ x 1)) ; => 5
(define (counter)
  (let ((n 0))
    (lambda () (set! n (+ n 1)) n)))
(define a (counter))
(define b (counter))
(a)
(a)
(writeln (list (a) (b))) ; => (3 1)
; A closure sees what another one assigned.
(define-values (get put) (let ((v 'old)) (values (lambda () v) (lambda (new) (set! v new)))))
(put 'new)
(writeln (get)) ; => new
