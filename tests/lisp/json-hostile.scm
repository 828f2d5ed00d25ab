; Depth and size have limits with typed errors.
(define (nest n) (string-append (make-string n #\[) (make-string n #\])))
(writeln (string=? (nest 50000) (value->json (json->value (nest 50000))))) ; => #t
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e 'accepted))))
(writeln (code (json->value (nest 200000)))) ; => ReadError
(writeln (code (json->value (make-string 1000000 #\[)))) ; => ReadError
(writeln (code (value->json (let loop ((i 0) (x '())) (if (= i 200000) x (loop (+ i 1) (list x))))))) ; => ConversionError
; Shared parts can be longer as text than any memory.
(writeln (code (value->json (let loop ((i 0) (x '(1))) (if (= i 60) x (loop (+ i 1) (list x x))))))) ; => HeapLimit
(writeln (code (json->value (make-string 100000 #\1)))) ; => RangeError
(writeln (length (json->value (string-append "[0" (apply string-append (make-list 20000 ",[1]")) "]")))) ; => 20001
