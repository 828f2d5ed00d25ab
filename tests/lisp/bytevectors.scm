; R7RS 6.9.
(writeln #u8(0 10 5)) ; => #u8(0 10 5)
(writeln (make-bytevector 2 12)) ; => #u8(12 12)
(writeln (make-bytevector 2)) ; => #u8(0 0)
(writeln (bytevector 1 3 5 1 3 5)) ; => #u8(1 3 5 1 3 5)
(writeln (bytevector)) ; => #u8()
(writeln (bytevector-u8-ref '#u8(1 1 2 3 5 8 13 21) 5)) ; => 8
(writeln (let ((bv (bytevector 1 2 3 4))) (bytevector-u8-set! bv 1 3) bv)) ; => #u8(1 3 3 4)
(writeln (bytevector-length #u8(1 2 3))) ; => 3
(define a #u8(1 2 3 4 5))
(writeln (bytevector-copy a 2 4)) ; => #u8(3 4)
(writeln (bytevector-copy a)) ; => #u8(1 2 3 4 5)
(define b (bytevector 10 20 30 40 50))
(bytevector-copy! b 1 a 0 2)
(writeln b) ; => #u8(10 1 2 40 50)
(writeln (bytevector-append #u8(0 1 2) #u8(3 4 5))) ; => #u8(0 1 2 3 4 5)
(writeln (bytevector-append)) ; => #u8()
(writeln (utf8->string #u8(#x41))) ; => "A"
(writeln (string->utf8 "λ")) ; => #u8(206 187)
(writeln (utf8->string #u8(97 206 187 240 159 146 161))) ; => "aλ💡"
(writeln (utf8->string #u8(97 98 99 100) 1 3)) ; => "bc"
(writeln (string->utf8 "aλb" 1)) ; => #u8(206 187 98)
(writeln (string->utf8 "aλb" 1 2)) ; => #u8(206 187)
(writeln (map bytevector? (list #u8() #() "a"))) ; => (#t #f #f)
(define c (bytevector 1 2 3 4))
(bytevector-fill! c 9 1 3)
(writeln c) ; => #u8(1 9 9 4)
