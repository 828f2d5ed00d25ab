(writeln (guard (e ((and (pair? e) (memq 'b e)) => (lambda (tail) (length tail))) (else 'none)) (raise '(a b c)))) ; => 2
(writeln (guard (e ((symbol? e) (writeln 'clause) (list e 'seen)) (else 'none)) (raise 'a))) ; => clause
; => (a seen)
