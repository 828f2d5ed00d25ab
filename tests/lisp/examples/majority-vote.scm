; Asks the same question several times and takes what most answers say. A failed call has no vote.
; `question`: a string; `votes`: how many to ask for.

(define (vote i)
  (guard (e ((eq? (condition-code e) 'LLMError) #f))
    (llm.infer question :sample i :temperature 1)))

(let ((given (filter string? (parallel-map vote (iota votes)))))
  (list (majority-vote given) (length given)))
