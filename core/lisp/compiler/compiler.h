// The compiler: from the expander's nodes to code.
#pragma once

#include "lisp/compiler/ir.h"
#include "lisp/machine.h"

namespace heddle::lisp {

// A procedure of no arguments that does what the node says, or kRaised: SyntaxError where something is too large for
// the instruction set (65,000 variables or arguments in one procedure).
Value compile(Machine& machine, Node* node);

// Decides which procedures become labels (Variable::is_label): bound by let or letrec, never assigned, and only ever
// called, with the right number of arguments, where the binding form's own value is given. Such a call is a jump. Also
// turns calls of lambda expressions into kLet.
void find_labels(Node* node);

}  // namespace heddle::lisp
