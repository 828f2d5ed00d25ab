; A predicate that raises leaves the sequence as it was.
(define v (vector 3 'x 1 2))
(writeln (guard (e (#t (condition-code e))) (vector-sort! < v))) ; => TypeError
(writeln v) ; => #(3 x 1 2)
(define l (list 3 2 1 0))
(writeln (guard (e (#t e)) (sort l (lambda (a b) (raise 'stop))))) ; => stop
(writeln l) ; => (3 2 1 0)
; Even one that contradicts itself gives a permutation.
(define turn #f)
(define mixed (sort (iota 100) (lambda (a b) (set! turn (not turn)) turn)))
(writeln (equal? (iota 100) (sort mixed <))) ; => #t
