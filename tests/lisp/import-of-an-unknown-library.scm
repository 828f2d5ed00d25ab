(writeln 'never)
(import (no such library))
; error: SyntaxError
