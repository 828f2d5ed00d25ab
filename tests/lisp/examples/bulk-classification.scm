; Classifies many documents, four at a time. Answers come in the order of the documents, however long each takes.
; `documents`: a list of strings. Gives a list of (label . count), in the order in which labels were first seen.

(define (classify document)
  (llm.infer (string-append "Classify as billing, bug or praise: " document) :temperature 0))

(define (tally labels)
  (let ((counts (make-hash-table)))
    (for-each (lambda (label) (hash-table-update!/default counts label (lambda (n) (+ n 1)) 0))
              labels)
    (hash-table->alist counts)))

(let ((labels (parallel-map classify documents :concurrency 4)))
  (list labels
        (map (lambda (entry) (list (car entry) (cdr entry))) (tally labels))))
