; A tree of topics, each level asked of the model, each subtree with a time of its own: one that takes too long is
; cut off there, and the rest of the tree stands. `topic`: a string; `depth`: a number; `limit`: milliseconds.

(define (subtopics topic)
  (string-split (llm.infer (string-append "Subtopics of " topic)) ","))

(define (tree topic depth)
  (if (= depth 0)
      topic
      (cons topic
            (parallel-map (lambda (sub)
                            (with-timeout limit
                              (tree sub (- depth 1))
                              (lambda () (list sub 'timeout))))
                          (subtopics topic)))))

(tree topic depth)
