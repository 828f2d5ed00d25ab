; The procedures of strings that call procedures back (R7RS 6.7, SRFI 13). Their partners are builtins/strings.cpp and
; string_search.cpp.
;
; As in lists.scm, results are made when all is known: a continuation captured in a callback may return again.

(define (%shortest-string strings)
  (let loop ((strings (cdr strings)) (n (string-length (car strings))))
    (if (pair? strings)
        (loop (cdr strings) (min n (string-length (car strings))))
        n)))

(define string-map
  (case-lambda
    ((f string)
     (let ((n (string-length string)))
       (let loop ((i 0) (done '()))
         (if (< i n)
             (loop (+ i 1) (cons (f (string-ref string i)) done))
             (list->string (reverse done))))))
    ((f first . rest)
     (let* ((strings (cons first rest)) (n (%shortest-string strings)))
       (let loop ((i 0) (done '()))
         (if (< i n)
             (loop (+ i 1)
                   (cons (apply f (map (lambda (string) (string-ref string i)) strings)) done))
             (list->string (reverse done))))))))

(define string-for-each
  (case-lambda
    ((f string)
     (let ((n (string-length string)))
       (let loop ((i 0))
         (if (< i n)
             (begin (f (string-ref string i)) (loop (+ i 1)))))))
    ((f first . rest)
     (let* ((strings (cons first rest)) (n (%shortest-string strings)))
       (let loop ((i 0))
         (if (< i n)
             (begin
               (apply f (map (lambda (string) (string-ref string i)) strings))
               (loop (+ i 1)))))))))

; --- Searching: for a character, or for one for which a procedure gives true; in [start, end).

(define (%string-end string range)
  (if (and (pair? range) (pair? (cdr range))) (cadr range) (string-length string)))

(define (string-index string wanted . range)
  (if (char? wanted)
      (apply %string-index string wanted range)
      (let ((end (%string-end string range)))
        (let loop ((i (if (pair? range) (car range) 0)))
          (and (< i end)
               (if (wanted (string-ref string i)) i (loop (+ i 1))))))))

(define (string-rindex string wanted . range)
  (if (char? wanted)
      (apply %string-rindex string wanted range)
      (let ((start (if (pair? range) (car range) 0)))
        (let loop ((i (- (%string-end string range) 1)))
          (and (>= i start)
               (if (wanted (string-ref string i)) i (loop (- i 1))))))))

(define (%char-tester wanted)
  (if (char? wanted) (lambda (c) (char=? c wanted)) wanted))

(define (string-count string wanted . range)
  (let ((found? (%char-tester wanted)) (end (%string-end string range)))
    (let loop ((i (if (pair? range) (car range) 0)) (n 0))
      (cond
        ((>= i end) n)
        ((found? (string-ref string i)) (loop (+ i 1) (+ n 1)))
        (else (loop (+ i 1) n))))))

(define (string-filter wanted string)
  (let ((found? (%char-tester wanted)) (n (string-length string)))
    (let loop ((i 0) (done '()))
      (cond
        ((= i n) (list->string (reverse done)))
        ((found? (string-ref string i)) (loop (+ i 1) (cons (string-ref string i) done)))
        (else (loop (+ i 1) done))))))

; --- Cutting the ends off: white space, or what a character or a procedure says.

(define (%trim string unwanted ends)
  (if (null? unwanted)
      (%string-trim string ends)
      (let* ((cut? (%char-tester (car unwanted)))
             (keep? (lambda (c) (not (cut? c))))
             (start (if (= ends 2) 0 (string-index string keep?)))
             (last (if (= ends 1) (- (string-length string) 1) (string-rindex string keep?))))
        (if (and start last) (substring string start (+ last 1)) ""))))

(define (string-trim string . unwanted) (%trim string unwanted 3))
(define (string-trim-both string . unwanted) (%trim string unwanted 3))
(define (string-trim-left string . unwanted) (%trim string unwanted 1))
(define (string-trim-right string . unwanted) (%trim string unwanted 2))
