; R7RS 4.2.1.
(writeln (cond ((> 3 2) 'greater) ((< 3 2) 'less))) ; => greater
(writeln (cond ((> 3 3) 'greater) ((< 3 3) 'less) (else 'equal))) ; => equal
(writeln (cond ((assv 'b '((a 1) (b 2))) => cadr) (else #f))) ; => 2
(writeln (cond (#f 1) (2))) ; => 2
(writeln (cond ((= 1 1) (writeln 'effect) 'value))) ; => effect
; => value
(define calls 0)
(writeln (cond ((begin (set! calls (+ calls 1)) #f) 1) ((begin (set! calls (+ calls 1)) 5) => (lambda (x) (* x calls))))) ; => 10
