(writeln (guard (e ((and (pair? e) (memq 'b e)) => (lambda (tail) (length tail))) (else 'none)) (raise '(a b c)))) ; => 2
(writeln (guard (e ((symbol? e) (define local (list e 'seen)) local) (else 'none)) (raise 'a))) ; => (a seen)
