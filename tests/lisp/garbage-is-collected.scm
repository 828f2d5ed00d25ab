; A hundred times the memory that may be held at once is allocated and dropped.
(define (churn n) (do ((i 0 (+ i 1)) (keep '() (list i keep))) ((= i n) 'done) (if (= 0 (modulo i 100)) (set! keep '()))))
(writeln (churn 2000000)) ; => done
(define (strings n) (do ((i 0 (+ i 1)) (s "" (string-append (number->string i) "x"))) ((= i n) (string-length s))))
(writeln (strings 200000)) ; => 7
(define (closures n) (let loop ((i 0) (f (lambda () 0))) (if (= i n) (f) (loop (+ i 1) (lambda () i)))))
(writeln (closures 500000)) ; => 499999
(define (vectors n) (do ((i 0 (+ i 1)) (v #f (make-vector 1000 v))) ((= i n) (vector-length v)) (set! v #f)))
(writeln (vectors 20000)) ; => 1000
(define (symbols n) (do ((i 0 (+ i 1))) ((= i n) 'done) (string->symbol (number->string i))))
(writeln (symbols 100000)) ; => done
