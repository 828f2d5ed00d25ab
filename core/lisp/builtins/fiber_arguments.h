// What the builtins over fibers and over objects share in looking at their arguments. In concurrency.cpp.
#pragma once

#include <string_view>

#include "lisp/fibers.h"

namespace heddle::lisp {

// Who schedules the fiber that runs; nullptr: nobody, an error was raised.
Programs* programs_of(Machine& machine);

// A number of milliseconds, 0 or more; more than the kernel can count is as much as it can.
bool duration_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, Time& out);

}  // namespace heddle::lisp
