// The expander: from a form as the reader made it to nodes for the compiler. Every identifier is resolved, every macro
// is gone.
//
// Hygiene is by explicit renaming with environments: the expansion of a macro replaces each symbol that its template
// introduces by an Alias, which names that symbol in the macro's environment. Binding forms bind identifiers, symbols
// or aliases, by identity; an alias that nothing binds means what its name means where the macro was defined. What is
// quoted gets its symbols back.
//
// Within one instruction of the fiber that asked, so nothing is collected meanwhile. Recursion over a program's text is
// limited in depth, expansions and their work in number: SyntaxError beyond.
#pragma once

#include "lisp/compiler/ir.h"
#include "lisp/machine.h"

namespace heddle::lisp {

// One form at the top level of an environment. nullptr: a SyntaxError (or CapabilityViolation of an import) was raised.
Node* expand_top_level(Machine& machine, Arena& arena, Value form, Value environment);

// Before the forms of a source (a list) are expanded: names that it defines or assigns anywhere lose what the compiler
// may assume of the language's own procedures of that name. If the source is a whole program and its first form is an
// import, it sees from now on only what it imports. `size`: the characters of the source, a limit of the work.
void look_through(Machine& machine, Value forms, Value environment, u64 size, bool is_whole = true);

// The levels of nesting that a program may have. In the expander and the compiler each takes up to 700 bytes of the
// engine's stack, of which V8 gives 984 KB to a thread (and as much to a stack of JSPI): tests/js/lisp-hostile.test.mjs
// has 750 KB.
constexpr u32 kMaxNesting = 1000;

}  // namespace heddle::lisp
