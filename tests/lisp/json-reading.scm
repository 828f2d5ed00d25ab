; json->value: objects are hash tables, arrays are lists, null is the symbol null.
(writeln (json->value "[1, 2.5, \"three\", true, false, null, [], -7, 1e3, 0]")) ; => (1 2.5 "three" #t #f null () -7 1000.0 0)
(define table (json->value " { \"a\" : 1 , \"b\" : { \"c\" : [ 1 , { } ] } , \"a\" : 3 } "))
(writeln (hash-table-ref/default table "a" #f)) ; => 3
(writeln (hash-table-keys table)) ; => ("a" "b")
(writeln (hash-table-size (cadr (hash-table-ref/default (hash-table-ref/default table "b" #f) "c" #f)))) ; => 0
(writeln (json->value "123456789012345678901234567890")) ; => 123456789012345678901234567890
(writeln (map json->value '("0.1" "-0" "1E+2" "1e-2" "-1.5e1"))) ; => (0.1 0 100.0 0.01 -15.0)
(writeln (json->value "\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\\u0041\\u00e9\"")) ; => "a\n\t\"\\/\b\xc;\rAé"
(writeln (json->value "\"\\ud83d\\udca1\"")) ; => "💡"
; Half of a surrogate pair is U+FFFD.
(writeln (map char->integer (string->list (json->value "\"\\ud83dx\\udca1\\ud83d\\u0041\"")))) ; => (65533 120 65533 65533 65)
(writeln (json->value "\"λ💡\"")) ; => "λ💡"
(writeln (json->value "\t\r\n 5 ")) ; => 5
