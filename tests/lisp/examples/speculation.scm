; Asks several models at once, takes the first answer and cancels the rest. A model that fails does not win.
; `models`: a list of names; `question`: a string.

(define (ask model)
  (fiber/spawn (lambda () (list model (llm.infer question :model model)))))

(fiber.select (map ask models))
