; Forms with very many parts are compiled without recursion, or refused.
(define (run form)
  (guard (e ((memq (condition-code e) '(SyntaxError HeapLimit)) 'refused))
    (eval form (environment '(scheme base)))))
(define yes '(car '(1)))
(define no '(car '(#f)))
(define (names n) (map (lambda (i) (string->symbol (string-append "v" (number->string i)))) (iota n)))
(writeln (run (cons 'and (make-list 50000 yes)))) ; => 1
(writeln (run (list 'if (cons 'and (make-list 50000 yes)) 2 3))) ; => 2
(writeln (run `(let ((x (and ,@(make-list 50000 yes) ,no ,yes))) (list x)))) ; => (#f)
(writeln (run `(list (and ,@(make-list 20000 yes) (let ((y ,yes)) (and y (if y 'a 'b))))))) ; => (a)
(writeln (run `(if (or ,@(make-list 20000 no) ,yes) 2 3))) ; => 2
(writeln (run `(or ,@(make-list 20000 no) 7))) ; => 7
(writeln (run `(cond ,@(make-list 50000 (list no 1)) (else 2)))) ; => 2
(writeln (run `(case 5 ,@(make-list 20000 '((1 2) 3)) (else 4)))) ; => 4
(writeln (run `(begin ,@(make-list 50000 yes) 6))) ; => 6
(writeln (run `(let () ,@(map (lambda (name) (list 'define name 1)) (names 20000)) v7))) ; => 1
(writeln (run `(length (list ,@(make-list 60000 1))))) ; => 60000
(writeln (run `(length (list ,@(make-list 100000 1))))) ; => refused
(writeln (run `(let ,(map (lambda (name) (list name 1)) (names 100000)) v7))) ; => refused
(writeln (run `(length `(,@(make-list 100000 1))))) ; => 100000
; Each of these would be nested a hundred times as deep as the text.
(define (nest n form make) (if (= n 0) form (nest (- n 1) (make form) make)))
(writeln (run (nest 400 8 (lambda (inner) `(and ,@(make-list 50 yes) ,inner))))) ; => 8
(writeln (run (nest 200 9 (lambda (inner) `(cond ,@(make-list 50 (list no 1)) (else ,inner)))))) ; => 9
; Procedures within procedures that each hold all variables.
(define all (names 20000))
(writeln (procedure? (run `(let ,(map (lambda (name) (list name 1)) all) (lambda () (lambda () (list ,@all))))))) ; => #t
; What a pattern compares counts as work.
(define text (make-string 1000000 #\a))
(define like (string-append (make-string 999999 #\a) "b"))
(writeln (run `(let-syntax ((m (syntax-rules () ((_ ,text) 1) ((_ x) 2)))) ,@(make-list 20000 (list 'm like))))) ; => refused
