; Code that contains itself, in whatever place, is refused or stops; text that shares parts may be longer than memory.
(define (try text)
  (guard (e (#t (condition-code e)))
    (eval (read (open-input-string text)) (interaction-environment))
    'accepted))
(writeln (try "#0=(begin #0#)")) ; => SyntaxError
(writeln (try "#0=(begin #0# #0#)")) ; => SyntaxError
(writeln (try "(let () #0=(begin #0#))")) ; => SyntaxError
(writeln (try "(let () #0=(begin #0# #0#) 1)")) ; => SyntaxError
(writeln (try "#0=(let () #0#)")) ; => SyntaxError
(writeln (try "#0=(list #0# #0#)")) ; => SyntaxError
(writeln (try "#0=(lambda #0# 1)")) ; => SyntaxError
(writeln (try "(define #0=(f . #0#) 1)")) ; => SyntaxError
(writeln (try "(define (f . #0=(x . #0#)) 1)")) ; => SyntaxError
(writeln (try "(define-values #0=(x . #0#) 1)")) ; => SyntaxError
(writeln (try "(let #0=((x 1) . #0#) 1)")) ; => SyntaxError
(writeln (try "(let-values (((x . #0=(y . #0#)) 1)) 1)")) ; => SyntaxError
(writeln (try "(do #0=((x 1) . #0#) (#t))")) ; => SyntaxError
(writeln (try "(cond . #0=((#f 1) . #0#))")) ; => SyntaxError
(writeln (try "(case 1 (#0=(1 . #0#) 2))")) ; => SyntaxError
(writeln (try "(guard #0=(e . #0#) 1)")) ; => SyntaxError
(writeln (try "#0=`#0#")) ; => SyntaxError
(writeln (try "`#0=(1 ,#0#)")) ; => SyntaxError
(writeln (try "#0=(cond-expand (else #0#))")) ; => SyntaxError
(writeln (try "(cond-expand (#0=(and . #0#) 1))")) ; => SyntaxError
(writeln (try "(let-syntax #0=((x (syntax-rules ())) . #0#) 1)")) ; => SyntaxError
(writeln (try "(define-record-type a (mk) a? . #0=((b c) . #0#))")) ; => SyntaxError
(writeln (try "(define-library #0=(a . #0#))")) ; => SyntaxError
(writeln (try "(import #0=(only #0# x))")) ; => SyntaxError
(define (with-twice form) (list 'let-syntax '((twice (syntax-rules () ((_ x) (list x x))))) form))
(define (nest wrap n x) (if (= n 0) x (nest wrap (- n 1) (wrap x))))
(define (try-form form)
  (guard (e ((memq (condition-code e) '(SyntaxError HeapLimit)) 'refused)) (eval form (interaction-environment)) 'accepted))
(writeln (try-form (with-twice (nest (lambda (x) (list 'twice x)) 60 1)))) ; => refused
(writeln (try-form (nest (lambda (x) (list 'list x x)) 60 1))) ; => refused
(writeln (try-form (with-twice (nest (lambda (x) (list 'twice x)) 15 (cons 'list (make-list 10000 1)))))) ; => refused
(writeln (try-form (list 'quote (nest (lambda (x) (list x x)) 60 1)))) ; => accepted
(writeln 'alive) ; => alive
