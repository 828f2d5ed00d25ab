; R7RS 6.4 and (scheme cxr): every path of up to four letters.
(define tree '(((((1 . 2) . (3 . 4)) . ((5 . 6) . (7 . 8))) . (((9 . 10) . (11 . 12)) . ((13 . 14) . (15 . 16))))))
(define t (car tree))
(writeln (list (caaaar t) (cdaaar t) (cadaar t) (cddaar t) (caadar t) (cdadar t) (caddar t) (cdddar t))) ; => (1 2 3 4 5 6 7 8)
(writeln (list (caaadr t) (cdaadr t) (cadadr t) (cddadr t) (caaddr t) (cdaddr t) (cadddr t) (cddddr t))) ; => (9 10 11 12 13 14 15 16)
(writeln (list (caaar t) (cdaar t) (cadar t) (cddar t))) ; => ((1 . 2) (3 . 4) (5 . 6) (7 . 8))
(writeln (list (caadr t) (cdadr t) (caddr t) (cdddr t))) ; => ((9 . 10) (11 . 12) (13 . 14) (15 . 16))
(writeln (equal? (list (caar t) (cdar t) (cadr t) (cddr t)) (list (car (car t)) (cdr (car t)) (car (cdr t)) (cdr (cdr t))))) ; => #t
(display (guard (e (#t (error-object-message e))) (caddr '(1 2))))
(newline)
; => caddr: argument 1 must be a deep enough pair, got (1 2)
(caar '(1))
; error: TypeError
