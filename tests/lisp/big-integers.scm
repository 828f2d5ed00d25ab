; R7RS 6.2.3: exact integers of any size.
(define (factorial n) (if (= n 0) 1 (* n (factorial (- n 1)))))
(writeln (factorial 30)) ; => 265252859812191058636308480000000
(writeln (/ (factorial 30) (factorial 29))) ; => 30
(writeln (expt 2 100)) ; => 1267650600228229401496703205376
(writeln (- (expt 2 62))) ; => -4611686018427387904
(writeln (+ 4611686018427387903 1)) ; => 4611686018427387904
(writeln (- -4611686018427387904 1)) ; => -4611686018427387905
(writeln (* 4611686018427387904 -2)) ; => -9223372036854775808
(writeln (- (- (expt 2 64)) (- (expt 2 64)))) ; => 0
(writeln (* 3037000500 3037000500)) ; => 9223372037000250000
(writeln (quotient (expt 3 50) (expt 2 40))) ; => 652924416219
(writeln (exact-integer? (* 1000000007 1000000009 1000000021))) ; => #t
(writeln (* 99999999999 99999999999)) ; => 9999999999800000000001
(writeln (exact (expt 10. 20))) ; => 100000000000000000000
(writeln (let fib ((n 200) (a 0) (b 1)) (if (= n 0) a (fib (- n 1) b (+ a b))))) ; => 280571172992510140037611932413038677189525
(writeln (abs (- (expt 10 25)))) ; => 10000000000000000000000000
(writeln (string->number "123456789012345678901234567890")) ; => 123456789012345678901234567890
(writeln (call-with-values (lambda () (exact-integer-sqrt (expt 10 40))) list)) ; => (100000000000000000000 0)
