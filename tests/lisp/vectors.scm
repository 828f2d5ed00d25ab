; R7RS 6.8.
(writeln #(0 (2 2 2 2) "Anna")) ; => #(0 (2 2 2 2) "Anna")
(writeln (vector 'a 'b 'c)) ; => #(a b c)
(writeln (vector-ref '#(1 1 2 3 5 8 13 21) 5)) ; => 8
(writeln (vector-ref '#(1 1 2 3 5 8 13 21) (exact (round (* 2 (acos -1)))))) ; => 13
(writeln (let ((vec (vector 0 '(2 2 2 2) "Anna"))) (vector-set! vec 1 '("Sue" "Sue")) vec)) ; => #(0 ("Sue" "Sue") "Anna")
(writeln (vector->list '#(dah dah didah))) ; => (dah dah didah)
(writeln (vector->list '#(dah dah didah) 1)) ; => (dah didah)
(writeln (vector->list '#(dah dah didah) 1 2)) ; => (dah)
(writeln (list->vector '(dididit dah))) ; => #(dididit dah)
(writeln (string->vector "ABC")) ; => #(#\A #\B #\C)
(writeln (vector->string #(#\1 #\2 #\3))) ; => "123"
(writeln (string->vector "αβγδ" 1 3)) ; => #(#\β #\γ)
(writeln (vector->string #(#\a #\β #\c) 1)) ; => "βc"
(define a #(1 8 2 8))
(define b (vector-copy a))
(vector-set! b 0 3)
(writeln b) ; => #(3 8 2 8)
(writeln (vector-copy b 1 3)) ; => #(8 2)
(define c (vector 1 2 3 4 5))
(define d (vector 10 20 30 40 50))
(vector-copy! d 1 c 0 2)
(writeln d) ; => #(10 1 2 40 50)
(writeln (vector-append #(a b c) #(d e f))) ; => #(a b c d e f)
(writeln (vector-append)) ; => #()
(define e (vector 1 2 3 4 5))
(vector-fill! e 'smash 2 4)
(writeln e) ; => #(1 2 smash smash 5)
(vector-fill! e 0)
(writeln e) ; => #(0 0 0 0 0)
(writeln (vector-length (make-vector 3))) ; => 3
(writeln (make-vector 2 'x)) ; => #(x x)
(writeln (map vector? (list #() '(1) "s"))) ; => (#t #f #f)
(writeln (subvector #(a b c d) 1 3)) ; => #(b c)
