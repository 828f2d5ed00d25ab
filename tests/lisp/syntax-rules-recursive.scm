; R7RS 4.3.2: macros that call themselves and each other, and macros that define macros.
(define-syntax my-let*
  (syntax-rules () ((_ () body ...) (let () body ...)) ((_ ((x v) rest ...) body ...) (let ((x v)) (my-let* (rest ...) body ...)))))
(writeln (my-let* ((a 1) (b (+ a 1)) (c (* b 3))) (list a b c))) ; => (1 2 6)
(define-syntax reverse-call
  (syntax-rules () ((_ "done" f args ...) (f args ...)) ((_ "go" () f args ...) (f args ...)) ((_ "go" (x y ...) f args ...) (reverse-call "go" (y ...) f x args ...)) ((_ f x ...) (reverse-call "go" (x ...) f))))
(writeln (reverse-call list 1 2 3)) ; => (3 2 1)
(define-syntax define-getter (syntax-rules () ((_ name value) (define-syntax name (syntax-rules () ((_) value))))))
(define-getter five 5)
(writeln (five)) ; => 5
(define-syntax while
  (syntax-rules () ((_ c body ...) (let lp () (when c body ... (lp))))))
(define i 0)
(while (< i 3) (set! i (+ i 1)))
(writeln i) ; => 3
(define-syntax for
  (syntax-rules (in) ((_ x in list body ...) (for-each (lambda (x) body ...) list))))
(for x in '(1 2) (for y in '(a b) (writeln (list x y))))
; => (1 a)
; => (1 b)
; => (2 a)
; => (2 b)
