; SICP 3.4.1: x is 10, one process sets it to x * x (two reads and a write), the other to x + 1 (a read and a write).
; Every order of these five steps is forced; the results are the textbook's five.
(define (run order)
  (let ((x 10)
        (turns (map (lambda (process) (cons process (chan/new))) '(square increment))))
    (define (in-turn process thunk)
      (chan/recv (cdr (assq process turns)))
      (let ((value (thunk)))
        (yield)
        value))
    (define done (chan/new))
    (define (step process thunk)
      (let ((value (in-turn process thunk)))
        (chan/send done #t)
        value))
    (define (read) x)
    (with-scope
      (fiber/spawn
        (lambda ()
          (let* ((one (step 'square read)) (other (step 'square read)))
            (step 'square (lambda () (set! x (* one other)))))))
      (fiber/spawn
        (lambda ()
          (let ((seen (step 'increment read)))
            (step 'increment (lambda () (set! x (+ seen 1)))))))
      (for-each (lambda (process) (chan/send (cdr (assq process turns)) #t) (chan/recv done)) order))
    x))
(define (orders squares increments)
  (append
    (if (and (= squares 0) (= increments 0)) '(()) '())
    (if (> squares 0) (map (lambda (o) (cons 'square o)) (orders (- squares 1) increments)) '())
    (if (> increments 0) (map (lambda (o) (cons 'increment o)) (orders squares (- increments 1))) '())))
(define results (map run (orders 3 2)))
(writeln (length results)) ; => 10
(writeln (list-sort < (delete-duplicates results))) ; => (11 100 101 110 121)
; With one serializer each runs whole, whatever it waits for inside.
(define (serialized first-waits second-waits)
  (let ((x 10) (s (make-serializer)))
    (define (pause n) (if (> n 0) (begin (yield) (pause (- n 1)))))
    (parallel-do
      ((s (lambda () (let ((one x)) (pause first-waits) (let ((other x)) (delay-ms 1) (set! x (* one other)))))))
      (begin
        (pause second-waits)
        ((s (lambda () (let ((seen x)) (delay-ms 1) (pause first-waits) (set! x (+ seen 1))))))))
    x))
(define all (append-map (lambda (i) (map (lambda (j) (serialized i j)) (iota 5))) (iota 5)))
(writeln (if (every (lambda (x) (memv x (quote (101 121)))) all) (length all) all)) ; => 25
