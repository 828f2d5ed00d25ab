; R7RS 3.5: a call in each tail position; a million rounds, in bounded space.
(define million 1000000)
(define-syntax rounds
  (syntax-rules () ((_ (f n) body) (begin (define (f n) body) (writeln (f million))))))
(rounds (f1 n) (if (= n 0) 'if (f1 (- n 1)))) ; => if
(rounds (f2 n) (cond ((= n 0) 'cond) (else (f2 (- n 1))))) ; => cond
(rounds (f3 n) (cond ((= n 0) 'cond-arrow) ((- n 1) => f3))) ; => cond-arrow
(rounds (f4 n) (case n ((0) 'case) (else (f4 (- n 1))))) ; => case
(rounds (f5 n) (case n ((0) 'case-arrow) (else => (lambda (n) (f5 (- n 1)))))) ; => case-arrow
(rounds (f6 n) (and #t (if (= n 0) 'and (f6 (- n 1))))) ; => and
(rounds (f7 n) (or #f (if (= n 0) 'or (f7 (- n 1))))) ; => or
(rounds (f8 n) (if (= n 0) 'when (when #t (f8 (- n 1))))) ; => when
(rounds (f9 n) (if (= n 0) 'unless (unless #f (f9 (- n 1))))) ; => unless
(rounds (f10 n) (let ((m (- n 1))) (if (< m 0) 'let (f10 m)))) ; => let
(rounds (f11 n) (let* ((m n) (m (- m 1))) (if (< m 0) 'let* (f11 m)))) ; => let*
(rounds (f12 n) (letrec ((m (lambda () (- n 1)))) (if (< (m) 0) 'letrec (f12 (m))))) ; => letrec
(rounds (f13 n) (letrec* ((m (- n 1))) (if (< m 0) 'letrec* (f13 m)))) ; => letrec*
(rounds (f14 n) (let-values (((m) (- n 1))) (if (< m 0) 'let-values (f14 m)))) ; => let-values
(rounds (f15 n) (let*-values (((m k) (values (- n 1) 0))) (if (< m k) 'let*-values (f15 m)))) ; => let*-values
(rounds (f16 n) (begin n (if (= n 0) 'begin (f16 (- n 1))))) ; => begin
(rounds (f17 n) (do () ((= n n) (if (= n 0) 'do (f17 (- n 1)))))) ; => do
(rounds (f18 n) (let () (define m (- n 1)) (if (< m 0) 'body (f18 m)))) ; => body
(rounds (f19 n) (let-syntax ((dec (syntax-rules () ((_ x) (- x 1))))) (if (= n 0) 'let-syntax (f19 (dec n))))) ; => let-syntax
(rounds (f20 n) (if (= n 0) 'apply (apply f20 (list (- n 1))))) ; => apply
(rounds (f21 n) (if (= n 0) 'call/cc (call/cc (lambda (k) (f21 (- n 1)))))) ; => call/cc
(rounds (f22 n) (if (= n 0) 'call-with-values (call-with-values (lambda () (- n 1)) f22))) ; => call-with-values
(rounds (f23 n) (if (= n 0) 'lambda ((lambda (m) (f23 m)) (- n 1)))) ; => lambda
(rounds (f24 n) (let loop ((m n)) (if (= m 0) 'named-let (loop (- m 1))))) ; => named-let
(define f25 (case-lambda ((n) (f25 n 1)) ((n d) (if (= n 0) 'case-lambda (f25 (- n d))))))
(writeln (f25 million)) ; => case-lambda
(rounds (f26 n) (cond-expand (r7rs (if (= n 0) 'cond-expand (f26 (- n 1)))))) ; => cond-expand
(rounds (f27 n) (cond ((= n 0) 'not-the-guard) (else (guard (e (#t (f27 (- e 1)))) 'no-raise)))) ; => no-raise
