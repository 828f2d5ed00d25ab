; R7RS 6.13.
(define p (open-input-bytevector #u8(1 2 3 4 5 6)))
(writeln (read-u8 p)) ; => 1
(writeln (peek-u8 p)) ; => 2
(writeln (u8-ready? p)) ; => #t
(writeln (read-bytevector 2 p)) ; => #u8(2 3)
(define b (make-bytevector 4 0))
(writeln (read-bytevector! b p 1)) ; => 3
(writeln b) ; => #u8(0 4 5 6)
(writeln (eof-object? (read-u8 p))) ; => #t
(writeln (eof-object? (read-bytevector 2 p))) ; => #t
(define out (open-output-bytevector))
(write-u8 1 out)
(write-bytevector #u8(2 3 4 5) out 1 3)
(writeln (get-output-bytevector out)) ; => #u8(1 3 4)
(read-char p)
; error: TypeError
