; R7RS 6.10.
(writeln
 (let ((path '()) (c #f))
   (let ((add (lambda (s) (set! path (cons s path)))))
     (dynamic-wind
      (lambda () (add 'connect))
      (lambda () (add (call-with-current-continuation (lambda (c0) (set! c c0) 'talk1))))
      (lambda () (add 'disconnect)))
     (if (< (length path) 4)
         (c 'talk2)
         (reverse path))))) ; => (connect talk1 disconnect connect talk2 disconnect)
(writeln (dynamic-wind (lambda () 1) (lambda () 2) (lambda () 3))) ; => 2
(writeln (call-with-values (lambda () (dynamic-wind (lambda () 1) (lambda () (values 2 3)) (lambda () 4))) list)) ; => (2 3)
