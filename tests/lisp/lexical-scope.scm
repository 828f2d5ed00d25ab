; R7RS 3.1: the nearest binding counts; a special form's name can be a variable.
(define x 'top)
(define (f) x)
(writeln (let ((x 'local)) (f))) ; => top
(writeln (let ((if (lambda (a b c) (list c b a)))) (if 1 2 3))) ; => (3 2 1)
(writeln (let ((define 5)) define)) ; => 5
(define (make) (let ((x 0)) (list (lambda () x) (lambda (v) (set! x v)))))
(define one (make))
(define two (make))
((cadr one) 5)
(writeln (list ((car one)) ((car two)) x)) ; => (5 0 top)
(writeln (let* ((f (lambda (n) n)) (f (lambda (n) (if (= n 0) 'outer (f (- n 1)))))) (f 5))) ; => 4
(writeln ((lambda (list) (list 1)) (lambda (x) (+ x 1)))) ; => 2
