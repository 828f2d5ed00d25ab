; Every procedure of lists refuses what is no list with a typed error, and an index that is too large.
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define improper '(1 2 . 3))
(writeln (code (length 5))) ; => TypeError
(writeln (code (length improper))) ; => TypeError
(writeln (code (reverse improper))) ; => TypeError
(writeln (code (append improper '(1)))) ; => TypeError
(writeln (code (append '(1) 5 '(2)))) ; => TypeError
(writeln (code (list-tail '(1 2) 3))) ; => RangeError
(writeln (code (list-ref '(1 2) 2))) ; => RangeError
(writeln (code (list-ref '(1 2) -1))) ; => RangeError
(writeln (code (list-ref '(1 2) 1.0))) ; => TypeError
(writeln (code (list-ref '(1 2) 100000000000000000000))) ; => RangeError
(writeln (code (list-set! (list 1) 1 2))) ; => RangeError
(writeln (code (memq 'x improper))) ; => TypeError
(writeln (code (assv 'x 5))) ; => TypeError
(writeln (code (map car 5))) ; => TypeError
(writeln (code (map list improper))) ; => TypeError
(writeln (code (for-each list improper))) ; => TypeError
(writeln (code (filter odd? improper))) ; => TypeError
(writeln (code (fold + 0 improper))) ; => TypeError
(writeln (code (fold-right + 0 improper))) ; => TypeError
(writeln (code (apply + improper))) ; => TypeError
(writeln (code (apply + 1))) ; => TypeError
(writeln (code (list->vector improper))) ; => TypeError
(writeln (code (sort improper <))) ; => TypeError
(writeln (code (sort 5 6))) ; => TypeError
(writeln (code (make-list -1))) ; => RangeError
(writeln (code (make-list 1.5))) ; => TypeError
(writeln (code (map 5 '(1)))) ; => TypeError
