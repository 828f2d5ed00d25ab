; R7RS appendix A: every procedure of every library, but the six of complex numbers, is bound to a procedure; those of
; (scheme file), (scheme load) and (scheme process-context) say that they need a capability.
(for-each
 (lambda (name)
   (if (not (guard (e (#t #f)) (procedure? (eval name (interaction-environment)))))
       (writeln name)))
 '(* + - / < <= = > >= abs append apply assoc assq assv binary-port? boolean=? boolean? bytevector bytevector-append
   bytevector-copy bytevector-copy! bytevector-length bytevector-u8-ref bytevector-u8-set! bytevector? caar cadr
   call-with-current-continuation call-with-port call-with-values call/cc car cdar cddr cdr ceiling char->integer
   char-ready? char<=? char<? char=? char>=? char>? char? close-input-port close-output-port close-port complex? cons
   current-error-port current-input-port current-output-port denominator dynamic-wind eof-object eof-object? eq? equal?
   eqv? error error-object-irritants error-object-message error-object? even? exact exact-integer-sqrt exact-integer?
   exact? expt features file-error? floor floor-quotient floor-remainder floor/ flush-output-port for-each gcd
   get-output-bytevector get-output-string inexact inexact? input-port-open? input-port? integer->char integer? lcm
   length list list->string list->vector list-copy list-ref list-set! list-tail list? make-bytevector make-list
   make-parameter make-string make-vector map max member memq memv min modulo negative? newline not null?
   number->string number? numerator odd? open-input-bytevector open-input-string open-output-bytevector
   open-output-string output-port-open? output-port? pair? peek-char peek-u8 positive? procedure? quotient raise
   raise-continuable rational? rationalize read-bytevector read-bytevector! read-char read-error? read-line
   read-string read-u8 real? remainder reverse round set-car! set-cdr! square string string->list string->number
   string->symbol string->utf8 string->vector string-append string-copy string-copy! string-fill! string-for-each
   string-length string-map string-ref string-set! string<=? string<? string=? string>=? string>? string? substring
   symbol->string symbol=? symbol? textual-port? truncate truncate-quotient truncate-remainder truncate/ u8-ready?
   utf8->string values vector vector->list vector->string vector-append vector-copy vector-copy! vector-fill!
   vector-for-each vector-length vector-map vector-ref vector-set! vector? with-exception-handler write-bytevector
   write-char write-string write-u8 zero?
   char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>? char-downcase char-foldcase char-lower-case?
   char-numeric? char-upcase char-upper-case? char-whitespace? digit-value string-ci<=? string-ci<? string-ci=?
   string-ci>=? string-ci>? string-downcase string-foldcase string-upcase
   caaaar caaadr caaar caadar caaddr caadr cadaar cadadr cadar caddar cadddr caddr cdaaar cdaadr cdaar cdadar cdaddr
   cdadr cddaar cddadr cddar cdddar cddddr cdddr
   environment eval acos asin atan cos exp finite? infinite? log nan? sin sqrt tan force make-promise promise?
   read interaction-environment display write write-shared write-simple
   current-jiffy current-second jiffies-per-second
   exact->inexact inexact->exact null-environment scheme-report-environment
   call-with-input-file call-with-output-file delete-file file-exists? open-binary-input-file open-binary-output-file
   open-input-file open-output-file with-input-from-file with-output-to-file load
   command-line emergency-exit exit get-environment-variable get-environment-variables))
(for-each
 (lambda (name)
   (if (not (eq? (guard (e (#t (condition-code e))) ((eval name (interaction-environment)) "x" list)) 'CapabilityViolation))
       (writeln name)))
 '(call-with-input-file call-with-output-file delete-file file-exists? open-binary-input-file open-binary-output-file
   open-input-file open-output-file with-input-from-file with-output-to-file load
   command-line emergency-exit exit get-environment-variable get-environment-variables))
(for-each
 (lambda (name) (guard (e (#t (if (not (eq? (condition-code e) 'UnboundVariable)) (writeln name)))) (eval name (interaction-environment)) (writeln name)))
 '(angle imag-part magnitude make-polar make-rectangular real-part))
(writeln 'looked-at-all) ; => looked-at-all
