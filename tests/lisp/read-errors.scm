; Malformed text is a ReadError that read-error? knows.
(define (code text) (guard (e ((read-error? e) (condition-code e)) (else (list 'other e))) (read (open-input-string text))))
(for-each
 (lambda (text) (if (not (eq? (code text) 'ReadError)) (writeln (list text (code text)))))
 '("(" ")" "(1 2" "#(1" "\"abc" "(1 . )" "( . 1)" "(1 . 2 3)" "#\\notachar" "#u8(256)" "#u8(a)" "\"\\q\"" "|abc" "#|" "'" "#;" "#9#" "#0=#0#" "\"\\x110000;\"" "#<x>"))
(writeln 'all-refused) ; => all-refused
(read (open-input-string "(a (b"))
; error: ReadError
