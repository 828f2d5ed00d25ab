; policy: round-robin
; The condition names who waits for what, and where.
(define a (mutex/new :name "a"))
(define b (mutex/new :name "b"))
(define (take first second)
  (with-lock first
    (delay-ms 1)
    (let ((result (with-lock second #t))) result)))
(define t1 (async (lambda () (take a b)) :name "left"))
(define t2 (async (lambda () (take b a)) :name "right"))
(define (report task) (guard (e (#t (error-object-message e))) (await task)))
(writeln (report t1)) ; => #t
(define text (report t2))
(writeln (string-prefix? "a deadlock: fiber 3 \"right\" at " text)) ; => #t
(writeln (if (string-contains text "waits to lock mutex 1 \"a\", held by fiber 2; fiber 2 \"left\" at ") #t text)) ; => #t
(writeln (if (string-contains text "waits to lock mutex 2 \"b\", held by fiber 3") #t text)) ; => #t
; Nobody is left who could put.
(define iv (ivar/new :name "answer"))
(define (lonely) (guard (e (#t (list (condition-code e) (string-contains (error-object-message e) "for the value of ivar 3 \"answer\", and nobody could")))) (ivar/take iv)))
(writeln (pair? (cdr (lonely)))) ; => #t
(writeln (car (lonely))) ; => Deadlock
(writeln (guard (e (#t (condition-code e))) (chan/recv (chan/new)))) ; => Deadlock
(writeln (guard (e (#t (condition-code e))) (barrier/wait (barrier/new 2)))) ; => Deadlock
