; A body of a thousand definitions, a call of a thousand arguments, a string of a hundred thousand characters.
(define (range n) (iota n))
(define (name i) (string->symbol (string-append "v" (number->string i))))
(define body (append (map (lambda (i) `(define ,(name i) ,i)) (range 1000)) (list `(+ ,@(map name (range 1000))))))
(writeln (eval `(let () ,@body) (interaction-environment))) ; => 499500
(writeln (eval `(length (list ,@(range 1000))) (interaction-environment))) ; => 1000
(writeln (eval `((lambda ,(map name (range 200)) (+ ,@(map name (range 200)))) ,@(range 200)) (interaction-environment))) ; => 19900
(writeln (string-length (make-string 100000 #\λ))) ; => 100000
