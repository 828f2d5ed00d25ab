; The procedures of hash tables that call procedures back. Their partner is builtins/hash_tables.cpp.
;
; What goes through a table sees the associations that it had at the beginning, in the order of insertion, whatever is
; done to the table meanwhile; and a continuation that was captured inside of a callback may return any number of times.

(define (hash-table-update! table key function . fail-and-succeed)
  (hash-table-set! table key (function (apply hash-table-ref table key fail-and-succeed))))

(define (hash-table-update!/default table key function default)
  (hash-table-set! table key (function (hash-table-ref/default table key default))))

(define (hash-table-intern! table key make)
  (hash-table-ref table key
                  (lambda ()
                    (let ((value (make)))
                      (hash-table-set! table key value)
                      value))))

(define (hash-table-walk table function)
  (let loop ((rest (hash-table->alist table)))
    (if (pair? rest)
        (let ((entry (car rest)))
          (function (car entry) (cdr entry))
          (loop (cdr rest))))))

; (hash-table-fold table function seed), or with the table last: both are in use.
(define (hash-table-fold first second third)
  (let ((is-table-first (hash-table? first)))
    (let ((table (if is-table-first first third))
          (function (if is-table-first second first))
          (seed (if is-table-first third second)))
      (let loop ((rest (hash-table->alist table)) (value seed))
        (if (pair? rest)
            (let ((entry (car rest)))
              (loop (cdr rest) (function (car entry) (cdr entry) value)))
            value)))))

; Of all associations, or of those of which the predicate is true (before or behind the table).
(define hash-table-count
  (case-lambda
    ((table) (hash-table-size table))
    ((first second)
     (let ((table (if (hash-table? first) first second))
           (is-counted? (if (hash-table? first) second first)))
       (hash-table-fold table
                        (lambda (key value count) (if (is-counted? key value) (+ count 1) count))
                        0)))))

(define (string-ci-hash string . bound)
  (apply string-hash (string-foldcase string) bound))
