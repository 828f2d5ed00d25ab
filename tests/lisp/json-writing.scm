; value->json.
(define (show . arguments) (display (apply value->json arguments)) (newline))
(show '(1 2.5 "three" #t #f null () #(4 5) symbol #\c))
; => [1,2.5,"three",true,false,null,[],[4,5],"symbol","c"]
(define t (make-hash-table))
(hash-table-set! t "b" 1)
(hash-table-set! t 'a '(1 2))
(hash-table-set! t "empty" (make-hash-table))
(show t)
; => {"b":1,"a":[1,2],"empty":{}}
(show "a\"b\\c\nd\te\x1;f/é💡")
; => "a\"b\\c\nd\te\u0001f/é💡"
(show (list t '() #()) ':indent 2)
; => [
; =>   {
; =>     "b": 1,
; =>     "a": [
; =>       1,
; =>       2
; =>     ],
; =>     "empty": {}
; =>   },
; =>   [],
; =>   []
; => ]
(show (list 100000000000000000000 -1 0.1 1e21 1e-7 -0.0))
; => [100000000000000000000,-1,0.1,1e21,1e-7,-0.0]
(show 5 :indent 0)
; => 5
; What was written reads back.
(define text "{\"a\":[1,2.5,{\"b\":null}],\"c\":\"x\"}")
(writeln (string=? text (value->json (json->value text)))) ; => #t
