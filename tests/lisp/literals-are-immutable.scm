; R7RS 4.1.2: changing a literal vector or string is an error.
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define v '#(1 2 3))
(writeln (code (vector-set! v 0 'x))) ; => TypeError
(writeln (code (vector-fill! v 'x))) ; => TypeError
(writeln (code (vector-copy! v 0 #(9)))) ; => TypeError
(writeln v) ; => #(1 2 3)
(writeln (code (string-set! "abc" 0 #\x))) ; => TypeError
(writeln (code (string-set! (symbol->string 'abc) 0 #\x))) ; => TypeError
(define copy (vector-copy v))
(vector-set! copy 0 'x)
(writeln copy) ; => #(x 2 3)
