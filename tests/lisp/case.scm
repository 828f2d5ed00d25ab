; R7RS 4.2.1: keys are compared by eqv?.
(writeln (case (* 2 3) ((2 3 5 7) 'prime) ((1 4 6 8 9) 'composite))) ; => composite
(writeln (case (car '(c d)) ((a e i o u) 'vowel) ((w y) 'semivowel) (else => (lambda (x) x)))) ; => c
(writeln (case 'x ((x) => (lambda (k) (list 'got k))) (else 'none))) ; => (got x)
(writeln (case 2.0 ((2) 'exact) ((2.0) 'inexact) (else 'none))) ; => inexact
(writeln (case #\a ((#\b) 1) ((#\a #\c) 2))) ; => 2
(writeln (case 100000000000000000000 ((100000000000000000000) 'big) (else 'none))) ; => big
(writeln (case '() ((()) 'empty) (else 'other))) ; => empty
(writeln (case "a" (("a") 'same) (else 'strings-are-not-eqv))) ; => strings-are-not-eqv
(define keys 0)
(writeln (case (begin (set! keys (+ keys 1)) 3) ((1) 1) ((2) 2) ((3) 'three))) ; => three
(writeln keys) ; => 1
