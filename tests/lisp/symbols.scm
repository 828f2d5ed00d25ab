; R7RS 6.5.
(writeln (map symbol? (list 'foo (car '(a b)) "bar" 'nil '() #f))) ; => (#t #t #f #t #f #f)
(writeln (symbol=? 'a 'a 'a)) ; => #t
(writeln (symbol=? 'a 'a 'b)) ; => #f
(writeln (symbol->string 'flying-fish)) ; => "flying-fish"
(writeln (symbol->string 'Martin)) ; => "Martin"
(writeln (symbol->string (string->symbol "Malvina"))) ; => "Malvina"
(writeln (string->symbol "mISSISSIppi")) ; => mISSISSIppi
(writeln (eqv? 'bitBlt (string->symbol "bitBlt"))) ; => #t
(writeln (eqv? 'LollyPop (string->symbol (symbol->string 'LollyPop)))) ; => #t
(writeln (string=? "K. Harper, M.D." (symbol->string (string->symbol "K. Harper, M.D.")))) ; => #t
(writeln (string->symbol "K. Harper")) ; => |K. Harper|
(writeln (list '|a b| '|| '|\x41;| 'abc '|1| '|.| '|a\|b|)) ; => (|a b| || A abc |1| |.| |a\|b|)
(writeln (eq? 'abc 'ABC)) ; => #f
; Changing the string that a symbol was made of does not change the symbol.
(define s (string-copy "abc"))
(define sym (string->symbol s))
(string-set! s 0 #\z)
(writeln sym) ; => abc
(symbol=? 'a "a")
; error: TypeError
