; What is not JSON is a ReadError with its line and column.
(define (code text) (guard (e (#t (condition-code e))) (list 'accepted (json->value text))))
(for-each
 (lambda (text) (if (not (eq? (code text) 'ReadError)) (writeln (list text (code text)))))
 '("" " " "[" "]" "[1" "[1," "[1,]" "[,1]" "{" "}" "{\"a\"}" "{\"a\":}" "{\"a\":1" "{\"a\":1,}" "{a:1}" "{1:2}" "1 2" "01" "-" "+1" "1."
   ".5" "1e" "1e+" "0x10" "NaN" "Infinity" "tru" "nul" "nulll" "'a'" "\"a" "\"\\x41\"" "\"\\u12g4\"" "\"\\u12" "\"a\tb\"" "[1 2]"
   "{\"a\" 1}" "// c\n1" "[1]]" "\\" "\"\\"))
(define (message text) (guard (e (#t (display (error-object-message e)) (newline))) (json->value text)))
(message "[1,\n 2,\n  x]")
; => json->value: line 3, column 3: expected a value, got 'x'
(message "{\"a\": [1, 2}")
; => json->value: line 1, column 12: expected ',' or ']', got '}'
(message "[\"abc")
; => json->value: line 1, column 2: the string is not closed
(message "[1")
; => json->value: line 1, column 3: expected ',' or ']', got the end of the text
(writeln (guard (e ((read-error? e) 'read-error)) (json->value "{"))) ; => read-error
(json->value 5)
; error: TypeError
