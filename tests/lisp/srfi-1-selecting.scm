; What of SRFI 1 takes lists apart.
(define l '(a b c d e))
(writeln (list (first l) (second l) (third l) (fourth l) (fifth l))) ; => (a b c d e)
(writeln (take l 2)) ; => (a b)
(writeln (drop l 2)) ; => (c d e)
(writeln (take '(1 2 3 . d) 3)) ; => (1 2 3)
(writeln (drop '(1 2 3 . d) 3)) ; => d
(writeln (take-right l 2)) ; => (d e)
(writeln (drop-right l 2)) ; => (a b c)
(writeln (last l)) ; => e
(writeln (last-pair '(1 2 . 3))) ; => (2 . 3)
(writeln (take-while even? '(2 18 3 10 22 9))) ; => (2 18)
(writeln (drop-while even? '(2 18 3 10 22 9))) ; => (3 10 22 9)
(writeln (call-with-values (lambda () (span even? '(2 18 3 10 22 9))) list)) ; => ((2 18) (3 10 22 9))
(writeln (call-with-values (lambda () (break even? '(3 1 4 1 5 9))) list)) ; => ((3 1) (4 1 5 9))
(writeln (call-with-values (lambda () (partition symbol? '(one 2 3 four five 6))) list)) ; => ((one four five) (2 3 6))
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (code (take l 6))) ; => RangeError
(writeln (code (drop l 6))) ; => RangeError
(writeln (code (take-right l 6))) ; => RangeError
(writeln (code (last '()))) ; => TypeError
(writeln (code (first '()))) ; => TypeError
(third '(1 2))
; error: TypeError
