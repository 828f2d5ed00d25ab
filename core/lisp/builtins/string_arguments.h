// What the builtins of strings share in looking at their arguments; as in arguments.h, false means that it has raised.
#pragma once

#include <string_view>

#include "lisp/machine.h"

namespace heddle::lisp {

bool string_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index);
bool char_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u32& out);
// Charges for a string of that many characters, and sees that there is room for it.
bool length_of_result(Machine& machine, std::string_view name, u64 length, u32 width);

// The second file of the strings' builtins.
void define_string_search(Machine& machine);

}  // namespace heddle::lisp
