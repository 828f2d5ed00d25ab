; R7RS 6.13: the ports that a program begins with, and closing.
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (map (lambda (p) (list (port? p) (input-port? p) (output-port? p) (textual-port? p) (binary-port? p))) (list (current-input-port) (current-output-port) (current-error-port)))) ; => ((#t #t #f #t #f) (#t #f #t #t #f) (#t #f #t #t #f))
(writeln (list (eof-object? (read-char)) (eof-object? (read)) (eof-object? (read-line)) (char-ready?))) ; => (#t #t #t #t)
(define in (open-input-string "abc"))
(writeln (list (read-char in) (input-port-open? in))) ; => (#\a #t)
(close-input-port in)
(writeln (list (input-port-open? in) (code (read-char in)) (code (close-output-port in)))) ; => (#f TypeError TypeError)
(define out (open-output-string))
(write 'x out)
(close-output-port out)
(writeln (list (output-port-open? out) (code (write 'y out)) (code (close-input-port out)))) ; => (#f TypeError TypeError)
(writeln (let ((out (open-output-string))) (parameterize ((current-output-port out)) (display "inside")) (get-output-string out))) ; => "inside"
(writeln (let ((out (open-output-string))) (parameterize ((current-error-port out)) (display "x" (current-error-port))) (get-output-string out))) ; => "x"
(writeln (let ((in (open-input-string "1 2"))) (parameterize ((current-input-port in)) (list (read) (read) (eof-object? (read)))))) ; => (1 2 #t)
