; The digest of a folder's documents, in Lisp: what digest.ts does, by the same host. Run it with
;
;   npm start -- js/digest/digest.scm [folder] [options]
;
; Of the host (lisp.ts): (read-documents), a list of tables with a path and sections, each with a title and a text;
; (progress text), a line for who waits. What this prints is the report.

(define categories '("overview" "guide" "reference" "design" "example" "record"))
(define most-sections 16) ; of one document at a time
(define longest-text 12000)

; --- Asking. The same prompt is asked once, whoever asks: the first one makes a task of it.

(define flights (make-hash-table))
(define asked 0)

(define (ask prompt tokens)
  (set! asked (+ asked 1))
  (await (or (hash-table-ref/default flights prompt #f)
             (let ((flight (async (lambda () (llm.infer prompt :max-tokens tokens)))))
               (hash-table-set! flights prompt flight)
               flight))))

; A failed call costs what it was for and nothing else.
(define (attempt thunk)
  (guard (e ((memq (condition-code e) '(LLMError RetryAfterTooLong CircuitOpen Timeout)) #f))
    (thunk)))

(define (cut text)
  (if (> (string-length text) longest-text)
      (string-append (substring text 0 longest-text) "\n[cut here]")
      text))

(define (lines texts) (apply string-append (map (lambda (text) (string-append "- " text "\n")) texts)))

; --- A section: two questions at once.

(define (digest-section section)
  (let ((text (cut (hash-table-ref section "text"))))
    (parallel
     (attempt (lambda () (category-of (ask (string-append
       "Classify this section of a document as one of: overview, guide, reference, design, example, record\n"
       "Answer with that word alone.\n\n" text) 500))))
     (attempt (lambda () (ask (string-append
       "Summarise this section of a document in one sentence:\n\n" text) 500))))))

(define (category-of answer)
  (let ((found (filter (lambda (category) (string-search-forward category answer 0)) categories)))
    (if (null? found) "other" (car found))))

; --- A document: its sections, bounded, then one summary of theirs.

(define (digest-document document)
  (let* ((path (hash-table-ref document "path"))
         (sections (hash-table-ref document "sections"))
         (digests (parallel-map digest-section sections :concurrency most-sections))
         (summaries (filter values (map cadr digests)))
         (summary (cond ((null? summaries) #f)
                        ((null? (cdr summaries)) (car summaries))
                        (else (attempt (lambda () (ask (string-append
                          "Summarise a document in two sentences, from one line for each of its sections:\n\n"
                          (cut (lines summaries))) 1500)))))))
    (progress (string-append path " is done, " (number->string (length summaries)) " of "
                             (number->string (length sections)) " sections"))
    (list path (filter values (map car digests)) (length sections) summary)))

; --- All of them: the report.

(define (count-of x xs) (length (filter (lambda (y) (equal? x y)) xs)))

(define (print-document digest)
  (let ((path (car digest)) (found (cadr digest)) (summary (cadddr digest)))
    (display path)
    (display ": ")
    (display (length found))
    (display "/")
    (display (list-ref digest 2))
    (display " sections")
    (if (pair? found) (begin (display ", mostly ") (display (majority-vote found))))
    (newline)
    (if summary (begin (display "  ") (display summary) (newline)))))

(define digests (map await (map (lambda (document)
                                  (async (lambda () (digest-document document)) :name (hash-table-ref document "path")))
                                (read-documents))))

(for-each print-document digests)
(newline)

; One without sections has nothing to say.
(define (finished? digest) (or (cadddr digest) (= (list-ref digest 2) 0)))
(define summaries (filter values (map cadddr digests)))
(define all-found (apply append (map cadr digests)))
(for-each (lambda (category)
            (let ((n (count-of category all-found)))
              (if (> n 0) (begin (display category) (display " ") (display n) (display "  ")))))
          (append categories '("other")))
(newline)

(define overall
  (cond ((null? summaries) #f)
        ((null? (cdr summaries)) (car summaries))
        (else (attempt (lambda () (ask (string-append
          "Summarise a set of documents in three sentences, from one line for each of them:\n\n"
          (cut (lines summaries))) 1500))))))

(if overall (begin (newline) (display overall) (newline)))
(newline)
(define finished (length (filter finished? digests)))
(display finished)
(display " of ")
(display (length digests))
(display " documents finished, ")
(display asked)
(display " questions, ")
(display (hash-table-count flights))
(display " of them different.")
(newline)
(if (< finished (length digests)) (error "documents that could not be finished" (- (length digests) finished)))
