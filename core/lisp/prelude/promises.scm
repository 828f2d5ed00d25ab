; Promises (R7RS 4.2.5), over builtins/promises.cpp.

(define (make-promise object)
  (if (promise? object) object (%make-promise object)))

; A loop, also where one promise leads to the next by delay-force: R7RS's own, in bounded space. A thunk may force its
; own promise; the value that is there first stays.
(define (force promise)
  (if (promise? promise)
      (let loop ()
        (if (%promise-done? promise)
            (%promise-content promise)
            (begin
              (%promise-update! promise ((%promise-content promise)))
              (loop))))
      promise))
