(writeln 'before) ; => before
(import (no such library))
; error: SyntaxError
