; Four analyses of one article at once, then one call that brings them together. `article`: a string.

(define questions '("Summarize" "Name the sentiment" "List the entities" "List the topics"))

(define (ask question)
  (async (lambda () (llm.infer (string-append question ": " article)))
         :name question))

(define answers (await-all (map ask questions)))

(llm.infer (string-append "Combine: " (string-join answers " | ")))
