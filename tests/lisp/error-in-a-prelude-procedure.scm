; An error in a procedure of the language that is written in Lisp is where the program called it.
(define (f l)
  (+ 1
     (fold-left + 0 l)))
(writeln (f '(1 2 3))) ; => 7
(f '(1 2 . 3))
; error: TypeError error-in-a-prelude-procedure.scm:4:6
