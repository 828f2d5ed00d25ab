; R7RS 6.7.
(writeln "a\tb\n\"\\\x41;é") ; => "a\tb\n\"\\Aé"
(writeln "one\
    line") ; => "oneline"
(writeln (list (make-string 3 #\*) (string #\a #\b) (string) (string-length "aλ💡"))) ; => ("***" "ab" "" 3)
(writeln (list (string-ref "aλ💡" 1) (string-ref "aλ💡" 2))) ; => (#\λ #\💡)
(define s (string-copy "hello"))
(string-set! s 0 #\J)
(string-set! s 4 #\λ)
(writeln s) ; => "Jellλ"
(writeln (list (substring "hello" 1 3) (string-copy "hello" 2) (string-append "a" "" "bc") (string-append))) ; => ("el" "llo" "abc" "")
(writeln (list (string->list "abc") (string->list "abcd" 1 3) (list->string '(#\x #\y)))) ; => ((#\a #\b #\c) (#\b #\c) "xy")
(define t (make-string 5 #\-))
(string-copy! t 1 "abc" 1)
(writeln t) ; => "-bc--"
(string-copy! t 1 t 0 4)
(writeln t) ; => "--bc-"
(string-fill! t #\z 3)
(writeln t) ; => "--bzz"
(writeln (list (string=? "a" "a" "a") (string<? "a" "b" "c") (string<? "abc" "abd") (string<? "ab" "abc") (string>? "b" "a") (string<=? "a" "a") (string-ci=? "Straße" "STRASSE"))) ; => (#t #t #t #t #t #t #t)
(writeln (list (string-upcase "straße") (string-downcase "ΧΑΟΣ") (string-foldcase "ΧΑΟΣ"))) ; => ("STRASSE" "χαος" "χαοσ")
(define-syntax code (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(writeln (list (code (string-ref "abc" 3)) (code (string-ref "abc" -1)) (code (string-ref 'abc 0)) (code (substring "abc" 2 1)) (code (string-append "a" #\b)) (code (string-set! (make-string 1 #\a) 0 "b")))) ; => (RangeError RangeError TypeError RangeError TypeError TypeError)
