(define-syntax code
  (syntax-rules () ((_ e) (guard (c (#t (condition-code c))) e))))
(define b (bytevector 1 2 3))
(writeln (code (bytevector 256))) ; => RangeError
(writeln (code (bytevector -1))) ; => RangeError
(writeln (code (bytevector 1.5))) ; => TypeError
(writeln (code (bytevector-u8-set! b 0 256))) ; => RangeError
(writeln (code (bytevector-u8-ref b 3))) ; => RangeError
(writeln (code (bytevector-u8-ref "abc" 0))) ; => TypeError
(writeln (code (bytevector-copy b 2 1))) ; => RangeError
(writeln (code (bytevector-copy! b 2 b))) ; => RangeError
(writeln (code (bytevector-copy! b 0 #u8(1 2 3 4)))) ; => RangeError
(writeln (code (utf8->string #u8(255)))) ; => ConversionError
(writeln (code (utf8->string #u8(97 206)))) ; => ConversionError
(writeln (code (utf8->string #u8(237 160 128)))) ; => ConversionError
(writeln (code (utf8->string #u8(192 128)))) ; => ConversionError
(writeln (code (string->utf8 'a))) ; => TypeError
(writeln b) ; => #u8(1 2 3)
(make-bytevector 2 256)
; error: RangeError
