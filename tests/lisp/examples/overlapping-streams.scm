; Two streams of documents that overlap: each document is summarized once, whoever comes first, and both streams get
; the answer. `left` and `right`: lists of strings.

(define once (make-singleflight :ttl 60000))

(define (summary-of document)
  (once document (lambda () (llm.infer (string-append "Summarize: " document)))))

(define (stream documents)
  (fiber/spawn (lambda () (parallel-map summary-of documents))))

(let* ((first (stream left))
       (second (stream right)))
  (list (fiber/join first) (fiber/join second)))
