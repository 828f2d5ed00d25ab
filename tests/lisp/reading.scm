; R7RS 6.13.2 and 2: read.
(define (read-all text) (let ((p (open-input-string text))) (let loop ((l '())) (let ((x (read p))) (if (eof-object? x) (reverse l) (loop (cons x l)))))))
(for-each writeln (read-all "a (b . c) #(1 \"two\" #\\3) 'q `(x ,y ,@z) #u8(1 2) |a b| #t #false"))
; => a
; => (b . c)
; => #(1 "two" #\3)
; => (quote q)
; => (quasiquote (x (unquote y) (unquote-splicing z)))
; => #u8(1 2)
; => |a b|
; => #t
; => #f
(writeln (read-all "1 ; comment\n 2 #| block #| nested |# |# 3 #;(gone) 4 #;#;a b 5")) ; => (1 2 3 4 5)
(writeln (read-all "#!fold-case ABC #!no-fold-case ABC")) ; => (abc ABC)
(writeln (read-all "#0=(a b . #0#)")) ; => (#0=(a b . #0#))
(writeln (let ((x (car (read-all "(#1=(x) #1#)")))) (eq? (car x) (cadr x)))) ; => #t
(writeln (read-all "")) ; => ()
(read-all "(a (b")
; error: ReadError
