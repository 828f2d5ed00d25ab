; Programs that are data nested a hundred thousand deep: accepted or refused with a typed error, never a crash.
(define (nest wrap n) (let loop ((i 0) (x 1)) (if (= i n) x (loop (+ i 1) (wrap x)))))
(define (try form) (guard (e ((memq (condition-code e) '(SyntaxError HeapLimit)) 'refused)) (eval form (interaction-environment)) 'accepted))
(define (ok? r) (if (memq r '(refused accepted)) 'ok r))
(writeln (ok? (try (nest (lambda (x) (list '+ 1 x)) 100000)))) ; => ok
(writeln (ok? (try (nest (lambda (x) (list 'let '() x)) 100000)))) ; => ok
(writeln (ok? (try (nest (lambda (x) (list 'lambda '() x)) 100000)))) ; => ok
(writeln (ok? (try (nest (lambda (x) (list 'if #t x 2)) 100000)))) ; => ok
(writeln (ok? (try (nest (lambda (x) (list 'begin x)) 100000)))) ; => ok
(writeln (ok? (try (list 'quote (nest list 100000))))) ; => ok
(writeln (ok? (try (list 'quasiquote (nest list 100000))))) ; => ok
(writeln (ok? (try (nest (lambda (x) (list 'quasiquote (list 'unquote x))) 100000)))) ; => ok
(writeln (ok? (try (nest (lambda (x) (list 'cond (list #f 1) (list 'else x))) 100000)))) ; => ok
(writeln (string-length (let ((p (open-output-string))) (write (nest list 100000) p) (get-output-string p)))) ; => 200001
(define (parens n) (string-append (make-string n #\() (make-string n #\))))
(writeln (pair? (read (open-input-string (parens 1000000))))) ; => #t
(writeln (+ 1 2)) ; => 3
