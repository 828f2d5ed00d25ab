; R7RS 4.3.1.
(writeln
 (let-syntax ((given-that (syntax-rules () ((_ test stmt1 stmt2 ...) (if test (begin stmt1 stmt2 ...))))))
   (let ((if #t)) (given-that if (set! if 'now)) if))) ; => now
(writeln
 (let ((x 'outer))
   (let-syntax ((m (syntax-rules () ((m) x))))
     (let ((x 'inner)) (m))))) ; => outer
