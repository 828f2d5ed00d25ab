; R7RS 4.1.5.
(writeln (if (> 3 2) 'yes 'no)) ; => yes
(writeln (if (> 2 3) 'yes 'no)) ; => no
(writeln (if (> 3 2) (- 3 2) (+ 3 2))) ; => 1
; Only #f counts as false.
(writeln (map (lambda (x) (if x 'true 'false)) (list 0 '() "" #f #t 'nil #\nul))) ; => (true true true false true true true)
(writeln (eq? (if #f #f) (if #f #f))) ; => #t
