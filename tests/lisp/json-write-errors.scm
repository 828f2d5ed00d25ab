; What JSON has no form for is a ConversionError with the path to it.
(define (message value) (guard (e (#t (display (error-object-message e)) (newline) (condition-code e))) (value->json value)))
(define t (make-hash-table))
(hash-table-set! t "name" (list 1 car))
(writeln (message (list 0 t)))
; => value->json: value[1].name[1] has no form in JSON
; => ConversionError
(message 1/2)
; => value->json: value is a ratio, for which JSON has no form
(message (vector 1 +nan.0))
; => value->json: value[1] is an infinity or a NaN, for which JSON has no form
(message '(1 2 . 3))
; => value->json: value is an improper list
(define ring (list 1 2))
(set-cdr! (cdr ring) ring)
(message (list ring))
; => value->json: value[0] is a circular list
(define v (vector 1 2))
(vector-set! v 1 (list v))
(message v)
; => value->json: value[1][0] contains itself
(define numbers (make-hash-table))
(hash-table-set! numbers 5 5)
(message (list numbers))
; => value->json: value[0].5 has a key that is neither a string nor a symbol
(writeln (guard (e (#t (condition-code e))) (value->json 1 :indent -1))) ; => RangeError
(writeln (guard (e (#t (condition-code e))) (value->json 1 :other 1))) ; => TypeError
; Shared parts are no cycle.
(define part '(1))
(writeln (value->json (list part part))) ; => "[[1],[1]]"
(value->json (if #f #f))
; error: ConversionError
