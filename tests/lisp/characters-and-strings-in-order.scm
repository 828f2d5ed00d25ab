; R7RS 6.6 and 6.7: every comparison, of several arguments, with and without case.
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define (all . orders) (lambda (a b c) (map (lambda (order) (list (order a b c) (order a a b) (order c b a) (order a a a))) orders)))
(writeln ((all char=? char<? char>? char<=? char>=?) #\a #\b #\c)) ; => ((#f #f #f #t) (#t #f #f #f) (#f #f #t #f) (#t #t #f #t) (#f #f #t #t))
(writeln ((all char-ci=? char-ci<? char-ci>? char-ci<=? char-ci>=?) #\a #\B #\c)) ; => ((#f #f #f #t) (#t #f #f #f) (#f #f #t #f) (#t #t #f #t) (#f #f #t #t))
(writeln ((all string=? string<? string>? string<=? string>=?) "" "a" "ab")) ; => ((#f #f #f #t) (#t #f #f #f) (#f #f #t #f) (#t #t #f #t) (#f #f #t #t))
(writeln ((all string-ci=? string-ci<? string-ci>? string-ci<=? string-ci>=?) "A" "aB" "AC")) ; => ((#f #f #f #t) (#t #f #f #f) (#f #f #t #f) (#t #t #f #t) (#f #f #t #t))
(writeln (list (char-ci=? #\a #\A) (char-ci<? #\A #\b) (char-ci>? #\B #\a) (char-ci<=? #\A #\a) (char-ci>=? #\a #\A) (char=? #\a #\A) (char<? #\Z #\a))) ; => (#t #t #t #t #t #f #t)
(writeln (list (string-ci<=? "Stra\xdf;e" "STRASSE") (string-ci>=? "Stra\xdf;e" "STRASSE") (string-ci>? "b" "A") (string<? "Z" "a") (string-ci<? "Z" "a"))) ; => (#t #t #t #t #f)
; By code points: beyond 16 bits is above U+FFFF.
(writeln (list (char<? #\xffff #\x10000) (string<? "\xffff;" "\x10000;") (string>? "\x10000;" "\xffff;z"))) ; => (#t #t #t)
(writeln (list (char? #\a) (char? "a") (char? 97) (string? "a") (string? #\a))) ; => (#t #f #f #t #f)
(writeln (list (code (char<=? #\a "b")) (code (char>? 1 #\a)) (code (char-ci<=? #\a 'b)) (code (string-ci<=? "a" #\b)) (code (string>=? "b" "a" 1)))) ; => (TypeError TypeError TypeError TypeError TypeError)
