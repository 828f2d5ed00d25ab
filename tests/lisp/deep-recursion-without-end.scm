; Infinite recursion ends with a typed error.
(define (down n) (+ 1 (down (+ n 1))))
(writeln 'before) ; => before
(down 0)
; error: HeapLimit
