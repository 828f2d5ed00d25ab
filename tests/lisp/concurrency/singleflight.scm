; One execution for each key that is in flight; who asks meanwhile gets its result.
(define (code thunk) (guard (e (#t (condition-code e))) (thunk)))
(define (counted ms result)
  (let ((calls 0))
    (case-lambda
      (() (set! calls (+ calls 1)) (delay-ms ms) (if (procedure? result) (result) result))
      ((_) calls))))
(define sf (make-singleflight))
; Ten documents of which three are in both streams: seven calls.
(define calls 0)
(define (summary document)
  (sf document (lambda () (set! calls (+ calls 1)) (delay-ms 5) (string-append "about " document))))
(define (stream documents) (parallel-map summary documents :concurrency 8))
(define both
  (parallel (stream (list "a" "b" "c" "d" "e")) (stream (list (string #\a) (string #\b) (string #\c) "x" "y"))))
(writeln calls) ; => 7
(writeln (cadr both)) ; => ("about a" "about b" "about c" "about x" "about y")
; Keys are compared by equal?; what is over is begun anew.
(define one (counted 3 'v))
(writeln (parallel (sf '(k 1) one) (sf (list 'k 1) one) (sf '(k 2) one))) ; => (v v v)
(writeln (one #t)) ; => 2
(writeln (list (sf '(k 1) one) (one #t))) ; => (v 3)
; An error goes to all who wait, and is not kept.
(define broken (counted 2 (lambda () (error "broken"))))
(define (ask thunk) (lambda () (code (lambda () (sf 'broken thunk)))))
(writeln (map fiber/join (map (lambda (i) (fiber/spawn (ask broken))) (iota 3)))) ; => (UserError UserError UserError)
(writeln (list (broken #t) (sf 'broken (lambda () 'mended)))) ; => (1 mended)
; Who began it may go while another waits.
(define slow (counted 10 'slow))
(define leader (async (lambda () (sf 'slow slow))))
(delay-ms 2)
(define follower (async (lambda () (sf 'slow slow))))
(delay-ms 2)
(cancel leader "enough")
(writeln (list (code (lambda () (await leader))) (await follower) (slow #t))) ; => (Cancelled slow 1)
; Nor does the end of its scope, or its time, end what another waits for.
(define shared (fiber/spawn (lambda () (delay-ms 1) (sf 'slow slow))))
(writeln (code (lambda () (with-timeout 5 (with-scope (sf 'slow slow)))))) ; => Timeout
(writeln (list (fiber/join shared) (slow #t))) ; => (slow 2)
; The last one's cancel ends it, and its clean-up runs; who comes then begins a new one.
(define log '())
(define (endless)
  (dynamic-wind
    (lambda () (set! log (cons 'in log)))
    (lambda () (delay-ms 1000000))
    (lambda () (set! log (cons 'out log)))))
(define waiting (map (lambda (i) (async (lambda () (sf 'endless endless)))) '(1 2)))
(delay-ms 1)
(cancel (car waiting))
(delay-ms 1)
(writeln log) ; => (in)
(cancel (cadr waiting))
(writeln (sf 'endless (lambda () 'another))) ; => another
(delay-ms 1)
(writeln log) ; => (out in)
; A computation that asks for itself, also from below; what waits in a circle has a deadlock.
(writeln (code (lambda () (sf 'k (lambda () (sf 'k (lambda () 1))))))) ; => SingleflightError
(writeln (code (lambda () (sf 'k (lambda () (parallel (sf 'k (lambda () 1)))))))) ; => SingleflightError
(writeln (sf 'k (lambda () (list (sf 'l (lambda () 1)) (guard (e (#t 'caught)) (sf 'k list)))))) ; => (1 caught)
; The value is kept for so long after it came.
(define kept (make-singleflight :ttl 10))
(define fresh (counted 5 'v))
(writeln (list (kept 'k fresh) (kept 'k fresh) (fresh #t))) ; => (v v 1)
(delay-ms 9)
(writeln (list (kept 'k fresh) (fresh #t))) ; => (v 1)
(delay-ms 2)
(writeln (list (kept 'k fresh) (fresh #t))) ; => (v 2)
(writeln (code (lambda () (kept 'broken broken)))) ; => UserError
(writeln (kept 'broken (lambda () #f))) ; => #f
(writeln (kept 'broken (lambda () #t))) ; => #f
; Independent results.
(define next (let ((ticket 0)) (lambda () (set! ticket (+ ticket 1)) ticket)))
(define three (make-singleflight :samples 3))
(writeln (parallel (length (three 'k (counted 1 next))) (length (three 'k (counted 1 next))))) ; => (3 3)
(writeln (code (lambda () (three 'k (lambda () (error "one of them")))))) ; => UserError
; The flight has its caller's parameters.
(define p (make-parameter 1))
(writeln (parameterize ((p 2)) (sf 'p (lambda () (p))))) ; => 2
(writeln (code (lambda () (sf 'k 5)))) ; => TypeError
(writeln (code (lambda () (make-singleflight :ttl -1)))) ; => RangeError
(writeln (code (lambda () (make-singleflight :samples 0)))) ; => RangeError
(writeln (code (lambda () (make-singleflight :ttl)))) ; => ArityError
(writeln (code (lambda () (make-singleflight 5 6)))) ; => TypeError
