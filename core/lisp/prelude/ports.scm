; The procedures of ports that call procedures back (R7RS 6.13). Their partners are builtins/ports.cpp and
; port_output.cpp.

; The port is closed if the procedure returns; a continuation may lead back into it otherwise.
(define (call-with-port port f)
  (call-with-values
    (lambda () (f port))
    (lambda results
      (close-port port)
      (apply values results))))

; What the procedure writes to the port that it gets.
(define (call-with-output-string f)
  (let ((port (open-output-string)))
    (f port)
    (get-output-string port)))

; What a thunk writes to its current output port.
(define (with-output-to-string thunk)
  (let ((port (open-output-string)))
    (parameterize ((current-output-port port)) (thunk))
    (get-output-string port)))
