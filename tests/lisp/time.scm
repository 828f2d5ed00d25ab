; R7RS 6.14, (scheme time): the runtime's own clock, in jiffies of a microsecond.
(import (scheme base) (scheme time) (only (heddle) writeln))
(writeln (jiffies-per-second)) ; => 1000000
(writeln (list (exact-integer? (current-jiffy)) (>= (current-jiffy) 0) (real? (current-second)) (inexact? (current-second)))) ; => (#t #t #t #t)
(define before (current-jiffy))
(writeln (<= before (current-jiffy))) ; => #t
(writeln (guard (e (#t (error-object? e))) (current-jiffy 1))) ; => #t
