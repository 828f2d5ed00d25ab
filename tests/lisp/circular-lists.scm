; A circular list is no list: what needs an end raises a TypeError, what can stop stops.
(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define ring (list 1 2 3))
(set-cdr! (cddr ring) ring)
(define rho (cons 'a (cons 'b ring)))
(writeln (list (list? ring) (list? rho))) ; => (#f #f)
(writeln (code (length ring))) ; => TypeError
(writeln (code (length rho))) ; => TypeError
(writeln (code (reverse rho))) ; => TypeError
(writeln (code (append ring '()))) ; => TypeError
(writeln (code (list-copy ring))) ; => TypeError
(writeln (code (memq 'x rho))) ; => TypeError
(writeln (code (memv 9 ring))) ; => TypeError
(writeln (code (member "x" ring))) ; => TypeError
(writeln (car (memq 'b rho))) ; => b
(writeln (code (assq 'x (let ((l (list '(a . 1)))) (set-cdr! l l) l)))) ; => TypeError
(writeln (code (list->vector ring))) ; => TypeError
(writeln (code (apply + ring))) ; => TypeError
(writeln (code (sort ring <))) ; => TypeError
(writeln (code (last-pair ring))) ; => TypeError
(writeln (code (delete 1 ring))) ; => TypeError
(writeln (list-ref ring 1000)) ; => 2
(writeln (take rho 7)) ; => (a b 1 2 3 1 2)
; Over several lists, the shortest one counts.
(writeln (map + ring '(10 20 30 40))) ; => (11 22 33 41)
(writeln (any = ring '(5 5 3))) ; => #t
(write '#0=(a . #0#))
(newline)
; => #0=(a . #0#)
