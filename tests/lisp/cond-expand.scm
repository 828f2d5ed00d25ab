; R7RS 4.2.1: features and libraries, and the requirements made of them.
(writeln (cond-expand (full-unicode 'unicode) (else 'none))) ; => unicode
(writeln (cond-expand ((and r7rs (not no-such-feature)) 'r7rs) (else 'none))) ; => r7rs
(writeln (cond-expand (no-such-feature 1) ((or no-other ratios) 2) (else 3))) ; => 2
(writeln (cond-expand ((library (scheme base)) 'base) (else 'none))) ; => base
(writeln (cond-expand ((library (no such library)) 'there) (else 'none))) ; => none
(cond-expand
  (no-such-feature (define answer 1))
  (else (define answer 42)))
(writeln answer) ; => 42
