; SICP 3.4: withdrawals from one account, with and without a serializer.
(define (make-account balance protect)
  (define (withdraw amount)
    (let ((seen balance))
      (yield)
      (delay-ms 1)
      (set! balance (- seen amount))
      balance))
  (define (deposit amount)
    (let ((seen balance))
      (delay-ms 1)
      (set! balance (+ seen amount))
      balance))
  (let ((withdraw (protect withdraw)) (deposit (protect deposit)))
    (lambda (m)
      (cond
        ((eq? m 'withdraw) withdraw)
        ((eq? m 'deposit) deposit)
        ((eq? m 'balance) balance)
        (else (error "unknown request" m))))))
(define (trade account)
  (parallel-do ((account 'withdraw) 10) ((account 'withdraw) 25) ((account 'deposit) 5))
  (account 'balance))
; Unprotected, each has read 100 before another has written: only one of them counts.
(writeln (if (member (trade (make-account 100 (lambda (p) p))) '(90 75 105)) #t #f)) ; => #t
(writeln (trade (make-account 100 (make-serializer)))) ; => 70
; One serializer, many procedures; errors and cancellations give it back.
(define s (make-serializer))
(define broken (s (lambda () (error "broken"))))
(define fine (s (lambda args args)))
(writeln (guard (e (#t (condition-code e))) (broken))) ; => UserError
(writeln (fine 1 2 3)) ; => (1 2 3)
(define slow (s (lambda () (delay-ms 1000))))
(define task (async slow))
(delay-ms 1)
(cancel task "enough")
(guard (e (#t #f)) (await task))
(writeln (fine)) ; => ()
(writeln (guard (e (#t (condition-code e))) ((s (lambda () (fine)))))) ; => MutexReentry
(writeln (guard (e (#t (condition-code e))) (s 5))) ; => TypeError
