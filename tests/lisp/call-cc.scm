; R7RS 6.10.
(writeln
 (call-with-current-continuation
  (lambda (exit)
    (for-each (lambda (x) (if (negative? x) (exit x))) '(54 0 37 -3 245 19))
    #t))) ; => -3
(define list-length
  (lambda (obj)
    (call-with-current-continuation
     (lambda (return)
       (letrec ((r (lambda (obj)
                     (cond ((null? obj) 0)
                           ((pair? obj) (+ (r (cdr obj)) 1))
                           (else (return #f))))))
         (r obj))))))
(writeln (list-length '(1 2 3 4))) ; => 4
(writeln (list-length '(a b . c))) ; => #f
(writeln (+ 1 (call/cc (lambda (k) (+ 10 (k 1)))))) ; => 2
(writeln (call/cc (lambda (k) 5))) ; => 5
(writeln (call-with-values (lambda () (call/cc (lambda (k) (k 1 2 3)))) list)) ; => (1 2 3)
(writeln (let ((k (call/cc (lambda (k) k)))) (if (procedure? k) (k 'second) k))) ; => second
