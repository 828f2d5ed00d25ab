; How a program runs: see program.h.

(define (%run-forms forms environment)
  (cond
    ((null? forms) (if #f #f))
    ((null? (cdr forms)) ((%compile (car forms) environment)))
    (else
      ((%compile (car forms) environment))
      (%run-forms (cdr forms) environment))))

(define (%run-source text source environment is-whole)
  (%run-forms (%read-source text source environment is-whole) environment))
