; Two streams of documents that overlap: each document is summarized once, whoever comes first, and both streams get
; the answer. `left` and `right`: lists of strings.

(define summaries (make-hash-table))

; The table is asked and filled without a wait in between, so no other fiber can come first.
(define (summary-of document)
  (await (or (hash-table-ref/default summaries document #f)
             (let ((task (async (lambda () (llm.infer (string-append "Summarize: " document))))))
               (hash-table-set! summaries document task)
               task))))

(define (stream documents)
  (fiber/spawn (lambda () (parallel-map summary-of documents))))

(let* ((first (stream left))
       (second (stream right)))
  (list (fiber/join first) (fiber/join second)))
