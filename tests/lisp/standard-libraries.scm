; R7RS appendix A: every library of the standard that needs no capability can be imported.
(import (scheme base) (scheme case-lambda) (scheme char) (scheme cxr) (scheme eval) (scheme inexact)
        (scheme lazy) (scheme read) (scheme repl) (scheme time) (scheme write) (only (heddle) writeln))
(writeln (list (caddr '(1 2 3)) (char-upcase #\a) (exact (floor 2.5)))) ; => (3 #\A 2)
