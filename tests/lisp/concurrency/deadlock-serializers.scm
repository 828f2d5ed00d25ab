; SICP 3.4: serializers nested in opposite orders. The wait that closes the cycle ends; the others go on.
(define s1 (make-serializer))
(define s2 (make-serializer))
(define (both first second name)
  (first (lambda () (delay-ms 1) ((second (lambda () (delay-ms 1) name))))))
(define a (async (both s1 s2 'a) :name "one"))
(define b (async (both s2 s1 'b) :name "two"))
(define (outcome task) (guard (e (#t (condition-code e))) (await task)))
(define outcomes (list (outcome a) (outcome b)))
(writeln (if (member outcomes '((a Deadlock) (Deadlock b))) #t outcomes)) ; => #t
; In one order there is none.
(define c (async (both s1 s2 'c)))
(define d (async (both s1 s2 'd)))
(writeln (list (await c) (await d))) ; => (c d)
