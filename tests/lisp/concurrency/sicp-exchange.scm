; SICP 3.4.2 and its exercise 3.48: accounts are exchanged under both serializers, that of the smaller number first, so
; that no circle closes. Each exchange is whole: what is there is the same money in another order.
(define next-number (let ((ticket (list 0)) (m (mutex/new))) (lambda () (with-lock m (set-car! ticket (+ 1 (car ticket))) (car ticket)))))
(define (make-account balance)
  (let ((serializer (make-serializer)) (number (next-number)))
    (lambda (m)
      (case m
        ((balance) balance)
        ((number) number)
        ((serializer) serializer)
        ((deposit) (lambda (amount) (let ((seen balance)) (yield) (set! balance (+ seen amount)))))
        (else (error "unknown request" m))))))
(define (exchange one other)
  (let ((difference (- (one 'balance) (other 'balance))))
    (delay-ms 1)
    ((one 'deposit) (- difference))
    ((other 'deposit) difference)))
(define (serialized-exchange one other)
  (let ((first (if (< (one 'number) (other 'number)) one other))
        (second (if (< (one 'number) (other 'number)) other one)))
    (((first 'serializer) ((second 'serializer) exchange)) one other)))
(define accounts (map make-account '(10 20 30 40)))
(define (balances) (map (lambda (a) (a 'balance)) accounts))
(with-scope
  (for-each
    (lambda (i)
      (for-each
        (lambda (j)
          (if (not (= i j))
              (fiber/spawn (lambda () (serialized-exchange (list-ref accounts i) (list-ref accounts j))))))
        (iota 4)))
    (iota 4)))
(writeln (list-sort < (balances))) ; => (10 20 30 40)
