; R7RS 4.2.2.
(writeln (let ((x 2) (y 3)) (* x y))) ; => 6
(writeln (let ((x 2) (y 3)) (let ((x 7) (z (+ x y))) (* z x)))) ; => 35
(writeln (let ((x 2) (y 3)) (let* ((x 7) (z (+ x y))) (* z x)))) ; => 70
(writeln (let () 5)) ; => 5
(writeln (let* () (define z 8) z)) ; => 8
(writeln (let* ((x 1) (x (+ x 1)) (x (* x 10))) x)) ; => 20
