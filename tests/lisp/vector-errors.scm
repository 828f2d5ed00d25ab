(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define v (vector 1 2 3))
(writeln (code (vector-ref v 3))) ; => RangeError
(writeln (code (vector-ref v -1))) ; => RangeError
(writeln (code (vector-ref v 1.0))) ; => TypeError
(writeln (code (vector-ref v 'a))) ; => TypeError
(writeln (code (vector-ref '(1) 0))) ; => TypeError
(writeln (code (vector-ref v 36893488147419103232))) ; => RangeError
(writeln (code (vector-set! v 3 0))) ; => RangeError
(writeln (code (vector-length "abc"))) ; => TypeError
(writeln (code (make-vector -1))) ; => RangeError
(writeln (code (make-vector 'a))) ; => TypeError
(writeln (code (vector-copy v 2 1))) ; => RangeError
(writeln (code (vector-copy v 0 4))) ; => RangeError
(writeln (code (vector-copy! v 2 #(1 2)))) ; => RangeError
(writeln (code (vector-copy! v 0 #(1 2 3 4)))) ; => RangeError
(writeln (code (vector-fill! v 0 4))) ; => RangeError
(writeln (code (vector-append v '(1)))) ; => TypeError
(writeln (code (vector->string #(1)))) ; => TypeError
(writeln (code (vector-map car '(1)))) ; => TypeError
(writeln (code (vector-for-each car 5))) ; => TypeError
(writeln v) ; => #(1 2 3)
(display (guard (c (#t (error-object-message c))) (vector-ref v 7)))
(newline)
; => vector-ref: argument 2 must be an index below 3, got 7
(vector-ref v 3)
; error: RangeError
