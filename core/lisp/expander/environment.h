// Environments: what names mean at a top level, in a library, and in the language itself.
//
// There are three kinds. The core has every builtin and everything that the preludes define, and all the syntax; names
// that begin with "%" are for preludes. A program's top level has its own names and sees those of its imports: of the
// whole core but "%..." names, or, if it begins with (import ...), of exactly what it imports. A library's inside is
// the same with imports that cannot be changed.
//
// A name that is imported from the core gets a cell of the program's own when it is first referred to, a copy: what the
// program then defines or assigns touches nobody else. Cells of a program's own libraries are shared.
#pragma once

#include <string_view>

#include "lisp/heap/heap.h"
#include "lisp/heap/object.h"

namespace heddle::lisp {

enum class EnvironmentKind : u16 {  // Object::aux of an Environment
  kCore,
  kProgram,
  kLibrary,
  kTable,  // names and bindings only: imports, exports, libraries
};

// An environment without names. `imports`: an Environment or #f.
Value make_environment(Heap& heap, EnvironmentKind kind, Value imports = kFalse);
// The core itself, with the syntax in it: made once, before the first builtin is defined. (In expander_forms.cpp.)
Value make_core_environment(Heap& heap);
// The top level of a program that sees the whole language.
Value make_program_environment(Heap& heap, Value core);
// Whether only preludes see it: it begins with "%".
bool is_private(Value symbol);

// What a symbol means there: a Cell, Macro or Special, own or imported; kUndefined if nothing.
Value find_binding(Value environment, Value symbol);
// The same among its own names only.
Value find_own(Value environment, Value symbol);
// Gives a symbol a meaning, in the place of an older one; kUndefined: none.
void bind(Heap& heap, Value environment, Value symbol, Value binding);
// What code refers to: the binding as above, where a cell of the core becomes a copy of the program's own, and a cell
// without a value is made if there was nothing.
Value refer(Heap& heap, Value environment, Value symbol);
// Makes a symbol mean what an import says, in a program or a library.
void import_binding(Heap& heap, Value environment, Value symbol, Value binding);
// The program will define or assign that name: its cell, now or when it is made, is not constant.
void note_change(Heap& heap, Value environment, Value symbol);

// The cell to define: the program's own, no longer constant. kUndefined where the name is imported into a library.
Value cell_to_define(Heap& heap, Value environment, Value symbol);

// The cell to assign: as `refer`, no longer constant. kUndefined where the binding is a library's or no variable.
Value cell_to_assign(Heap& heap, Value environment, Value symbol);

// The cell of a name of the core, made if need be: for builtins, and for what forms expand into.
Value core_cell(Heap& heap, Value core, std::string_view name);

}  // namespace heddle::lisp
