; Names of SRFI 13 that other scripts leave out, symbols that nothing else can name, and what a report says.
(writeln (list (string-pad "7" 3) (string-pad "12345" 3) (string-pad "x" 3 #\*) (string-pad-right "7" 3) (string-pad-right "12345" 3))) ; => ("  7" "345" "**x" "7  " "123")
(writeln (list (string-trim-both "  a b ") (string-trim-left "  a ") (string-trim-right " a  ") (string-trim-both " \t\n"))) ; => ("a b" "a " " a" "")
(writeln (string-filter char-alphabetic? "a1b2c3")) ; => "abc"
(define s (string->uninterned-symbol "name"))
(writeln (list (symbol? s) (eq? s 'name) (eq? s s) (symbol->string s))) ; => (#t #f #t "name")
(writeln (guard (e (#t (condition-report e))) (vector-ref (vector 1) 5))) ; => "strings-of-srfi-13.scm:7:47: vector-ref: argument 2 must be an index below 1, got 5"
(writeln (guard (e (#t (condition-report e))) (error "what" 'is "this"))) ; => "strings-of-srfi-13.scm:8:47: what: is \"this\""
(writeln (condition-report '(no condition))) ; => "raised: (no condition)"
