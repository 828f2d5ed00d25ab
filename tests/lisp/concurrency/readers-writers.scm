; Readers read side by side, a writer writes alone: a semaphore of five, of which a reader takes one and a writer all.
; First come, first served, so that no writer waits for ever behind new readers.
(define room (semaphore/new 5))
(define m (mutex/new))
(define readers 0)
(define writers 0)
(define most 0)
(define wrong 0)
(define version 0)
(define (enter! r w)
  (with-lock m
    (set! readers (+ readers r))
    (set! writers (+ writers w))
    (set! most (max most readers))
    (if (or (> writers 1) (and (= writers 1) (> readers 0))) (set! wrong (+ wrong 1)))))
(define (using permits r w thunk)
  (semaphore/acquire room permits)
  (enter! r w)
  (thunk)
  (enter! (- r) (- w))
  (semaphore/release room permits))
(define (read) (using 1 1 0 (lambda () (let ((seen version)) (delay-ms 2) (if (not (= seen version)) (set! wrong (+ wrong 1)))))))
(define (write) (using 5 0 1 (lambda () (let ((seen version)) (delay-ms 1) (set! version (+ seen 1))))))
(with-scope
  (for-each (lambda (i) (fiber/spawn (if (= 0 (modulo i 4)) write read))) (iota 40)))
(writeln (list readers writers wrong version)) ; => (0 0 0 10)
(writeln (and (> most 1) (<= most 5))) ; => #t
