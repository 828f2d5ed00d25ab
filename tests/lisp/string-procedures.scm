; R7RS 6.10: string-map and string-for-each.
(writeln (string-map char-foldcase "AbdEgH")) ; => "abdegh"
(writeln (string-map (lambda (c) (integer->char (+ 1 (char->integer c)))) "HAL")) ; => "IBM"
(writeln (string-map (lambda (c k) ((if (eqv? k #\u) char-upcase char-downcase) c)) "studlycaps xxx" "ululululul")) ; => "StUdLyCaPs"
(writeln
 (let ((v '()))
   (string-for-each (lambda (c) (set! v (cons (char->integer c) v))) "abcde")
   v)) ; => (101 100 99 98 97)
(writeln (let ((v '())) (string-for-each (lambda (a b) (set! v (cons (list a b) v))) "ab" "xyz") v)) ; => ((#\b #\y) (#\a #\x))
