; R7RS 6.3.
(writeln (list #t #f '#f #true #false)) ; => (#t #f #f #t #f)
(writeln (map not (list #t 3 (list 3) #f '() (list) 'nil))) ; => (#f #f #f #t #f #f #f)
(writeln (map boolean? (list #f 0 '() #t))) ; => (#t #f #f #t)
(writeln (boolean=? #t #t #t)) ; => #t
(writeln (boolean=? #f #f #t)) ; => #f
(boolean=? #t 1)
; error: TypeError
