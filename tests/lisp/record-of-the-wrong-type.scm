; R7RS 5.5: an accessor says which type and which field it wanted.
(define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y))
(define-record-type circle (make-circle r) circle? (r radius))
(define (message thunk) (guard (e (#t (display (error-object-message e)) (newline))) (thunk)))
(message (lambda () (point-x 5)))
; => point-x: argument 1 must be a record of type point (for its field x), got 5
(message (lambda () (set-point-x! '(1) 5)))
; => set-point-x!: argument 1 must be a record of type point (for its field x), got (1)
(writeln (guard (e (#t (condition-code e))) (radius (make-point 1 2)))) ; => TypeError
(writeln (guard (e (#t (condition-code e))) (make-point 1))) ; => ArityError
(point-y (make-circle 1))
; error: TypeError
