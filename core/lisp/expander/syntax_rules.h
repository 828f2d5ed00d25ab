// syntax-rules (R7RS 4.3.2), in full: nested ellipses, patterns after an ellipsis, other words for the ellipsis,
// (... ...), literals, underscores, dotted and vector patterns.
//
// Rules are compiled when the macro is defined, to trees of vectors that begin with a number (Op): so every error in a
// rule is found then, and an expansion only walks. A match looks at each pair of a form once, but for the length of a
// list under an ellipsis.
#pragma once

#include "lisp/expander/expansion.h"

namespace heddle::lisp {

// The Macro that a form (syntax-rules ...) describes, where it stands. kRaised: a SyntaxError was raised.
Value make_macro(Expansion& expansion, Value spec, Value name);

// What a use of it becomes. kRaised: no rule matches, or a limit was met.
Value apply_macro(Expansion& expansion, const Macro& macro, Value form);

}  // namespace heddle::lisp
