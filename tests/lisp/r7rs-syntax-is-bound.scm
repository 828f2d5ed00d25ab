; R7RS appendix A: every form, in a use that it must accept.
(for-each
 (lambda (form)
   (guard (e (#t (writeln (list form (error-object-message e))))) (eval form (interaction-environment))))
 '((and) (begin 1) (case 1 ((1) 1)) (cond (1)) (cond-expand (else 1)) (let () (define a 1) a)
   (let () (define-record-type a (b) c) (b)) (let () (define-syntax a (syntax-rules () ((_) 1))) (a))
   (let () (define-values (a) 1) a) (do ((i 0 1)) (#t)) (guard (e (1)) 1) (if 1 1) (lambda () 1) (let ((a 1)) a)
   (let* ((a 1)) a) (let*-values (((a) 1)) a) (let-syntax () 1) (let-values (((a) 1)) a) (letrec ((a 1)) a)
   (letrec* ((a 1)) a) (letrec-syntax () 1) (or) (parameterize () 1) (quasiquote 1) (quote 1) (let ((a 1)) (set! a 2))
   (unless 1 1) (when 1 1) (case-lambda) (delay 1) (delay-force 1)))
(writeln 'looked-at-all) ; => looked-at-all
