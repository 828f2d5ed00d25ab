; A special form of the wrong shape is a SyntaxError.
(define (code form) (guard (e (#t (condition-code e))) (eval form (interaction-environment)) 'accepted))
(for-each
 (lambda (form) (if (not (eq? (code form) 'SyntaxError)) (writeln (list form (code form)))))
 '((if) (if 1) (if 1 2 3 4) (lambda) (lambda (x)) (lambda (x x) 1) (lambda 5 1) (lambda (1) 1)
   (let) (let ((x))) (let ((x 1 2)) x) (let ((x 1) (x 2)) x) (let x) (letrec ((1 2)) 3) (define) (set! x) (set! 5 1)
   (quote) (quote 1 2) (cond (else)) (case) (let-values (((a b))) a) (named-lambda . 1)
   (define-record-type) (define-syntax x 5) (syntax-rules) (do) (do ((i 0 1 2)) (#t)) (guard) (guard (1) 2)
   (delay) (delay 1 2) (case-lambda (5 1)) (parameterize ((x)) 1) (1 . 2) (car . 1) ()
   (let-syntax ((x 1)) 2) (import 5) (else) (=> 1)))
(writeln 'all-refused) ; => all-refused
