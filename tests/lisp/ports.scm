; R7RS 6.13.1.
(define in (open-input-string "x"))
(define out (open-output-string))
(writeln (list (input-port? in) (output-port? in) (port? out) (textual-port? in) (binary-port? in) (port? 5))) ; => (#t #f #t #t #f #f)
(writeln (list (input-port-open? in) (output-port-open? out))) ; => (#t #t)
(close-port in)
(close-output-port out)
(writeln (list (input-port-open? in) (output-port-open? out))) ; => (#f #f)
(writeln (call-with-port (open-input-string "abc") read-char)) ; => #\a
(define s (open-output-string))
(parameterize ((current-output-port s)) (display "captured"))
(writeln (get-output-string s)) ; => "captured"
(writeln (eof-object? (eof-object))) ; => #t
(writeln (map input-port? (list (current-input-port) (current-output-port)))) ; => (#t #f)
(flush-output-port)
(read-char in)
; error: TypeError
