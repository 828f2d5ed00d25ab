; What memoize gives computes each value once, and keeps those that were used last.
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(define calls 0)
(define (square n) (set! calls (+ calls 1)) (delay-ms 1) (* n n))
(define fast (memoize square))
(writeln (parallel-map fast '(1 2 3 1 2 3 3) :concurrency 7)) ; => (1 4 9 1 4 9 9)
(writeln (list (fast 2) calls)) ; => (4 3)
; Two are kept: 2 was used later than 1 when 3 came.
(set! calls 0)
(define two (memoize square :max 2))
(writeln (map two '(1 2 1 2 3))) ; => (1 4 1 4 9)
(writeln (list (two 2) (two 3) calls)) ; => (4 9 3)
(writeln (list (two 1) calls)) ; => (1 4)
(writeln (list (two 3) calls)) ; => (9 4)
(writeln (list (two 2) calls)) ; => (4 5)
; Several arguments, and none; #f is a value.
(define (list-of . arguments) (set! calls (+ calls 1)) (and (pair? arguments) arguments))
(define listed (memoize list-of))
(set! calls 0)
(writeln (list (listed) (listed) (listed 1 "a") (listed 1 "a") calls)) ; => (#f #f (1 "a") (1 "a") 2)
; Errors are not kept.
(define tries 0)
(define moody (memoize (lambda () (set! tries (+ tries 1)) (if (< tries 3) (error "not yet") tries))))
(writeln (list (code moody) (code moody) (moody) (moody) tries)) ; => (UserError UserError 3 3 3)
; A recursion may go through it; one that goes round is an error.
(define fib (memoize (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))))
(writeln (fib 80)) ; => 23416728348467685
(define round-and-round (memoize (lambda (n) (round-and-round n))))
(writeln (code (lambda () (round-and-round 1)))) ; => SingleflightError
(writeln (code (lambda () (memoize 5)))) ; => TypeError
(writeln (code (lambda () (memoize square :max 0)))) ; => RangeError
(writeln (code (lambda () (memoize square :size 5)))) ; => TypeError
