; Santa sleeps until all nine reindeer are back, or three elves need help; the reindeer go first. Nine reindeer come
; back twice, ten elves ask three times each: two deliveries and ten consultations, each of a whole group.
(define reindeer (chan/new 9))
(define elves (chan/new 3))
(define deliveries '())
(define consultations '())
; A gate opens for those of one group at a time.
(define (gather group size)
  (let ((arrivals (chan/new)))
    (fiber/spawn
      (lambda ()
        (let loop ((members '()))
          (if (= (length members) size)
              (let ((gone (ivar/new)))
                (chan/send group (cons members gone))
                (ivar/take gone)
                (loop '()))
              (let ((one (chan/recv arrivals)))
                (if (not (eof-object? one)) (loop (cons one members))))))))
    arrivals))
(define back (gather reindeer 9))
(define asking (gather elves 3))
(define (come arrivals name times)
  (fiber/spawn
    (lambda ()
      (let loop ((n times))
        (if (> n 0)
            (let ((done (ivar/new)))
              (delay-ms (+ 1 (modulo name 3)))
              (chan/send arrivals (cons name done))
              (ivar/take done)
              (loop (- n 1))))))))
(define (serve group)
  (delay-ms 2)
  (for-each (lambda (member) (ivar/put! (cdr member) #t)) (car group))
  (ivar/put! (cdr group) #t)
  (length (car group)))
(define santa
  (fiber/spawn
    (lambda ()
      (let loop ((left 12))
        (if (> left 0)
            (begin
              (chan/select
                (recv reindeer (group) (set! deliveries (cons (serve group) deliveries)))
                (default
                  (chan/select
                    (recv reindeer (group) (set! deliveries (cons (serve group) deliveries)))
                    (recv elves (group) (set! consultations (cons (serve group) consultations))))))
              (loop (- left 1))))))))
(define all (append (map (lambda (i) (come back i 2)) (iota 9)) (map (lambda (i) (come asking i 3)) (iota 10))))
(for-each fiber/join all)
(fiber/join santa)
(chan/close back)
(chan/close asking)
(writeln (list deliveries consultations)) ; => ((9 9) (3 3 3 3 3 3 3 3 3 3))
