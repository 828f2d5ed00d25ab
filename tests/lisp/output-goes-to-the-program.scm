; display, write and newline without a port write where the program's output is collected, in order.
(display "a")
(write "b")
(write-char #\c)
(write-string "d")
(newline)
; => a"b"cd
(display 'no-newline-at-the-end)
; => no-newline-at-the-end
