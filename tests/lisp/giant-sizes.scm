; A size that does not fit is a typed error, at once.
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define (refused? c) (if (memq c '(HeapLimit RangeError)) 'refused c))
(writeln (refused? (code (make-vector 1000000000000)))) ; => refused
(writeln (refused? (code (make-vector 268000000)))) ; => refused
(writeln (refused? (code (make-string 1000000000000 #\a)))) ; => refused
(writeln (refused? (code (make-bytevector 4294967296)))) ; => refused
(writeln (refused? (code (make-list 1000000000 0)))) ; => refused
(writeln (refused? (code (iota 1000000000)))) ; => refused
(writeln (refused? (code (make-vector (expt 2 62))))) ; => refused
(writeln (refused? (code (make-vector (expt 10 40))))) ; => refused
(writeln (refused? (code (expt 7 (expt 7 77))))) ; => refused
(writeln (refused? (code (vector-length (make-vector -5))))) ; => refused
(writeln 'alive) ; => alive
