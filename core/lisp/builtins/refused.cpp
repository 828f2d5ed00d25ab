// The procedures of (scheme file), (scheme load) and (scheme process-context): a program has no capability for any of
// them, and says so when it calls one. A program may define the names for itself.
#include <string>
#include <utility>

#include "lisp/builtins/builtins.h"
#include "lisp/machine.h"

namespace heddle::lisp {
namespace {

constexpr const char* kRefused[] = {
    "call-with-input-file",
    "call-with-output-file",
    "command-line",
    "delete-file",
    "emergency-exit",
    "exit",
    "file-exists?",
    "get-environment-variable",
    "get-environment-variables",
    "load",
    "open-binary-input-file",
    "open-binary-output-file",
    "open-input-file",
    "open-output-file",
    "with-input-from-file",
    "with-output-to-file",
};

Value refuse(Machine& machine, const char* name) {
  return machine.error("CapabilityViolation",
                       std::string(name) + ": this needs a capability that this program does not have");
}

template <std::size_t I>
Value refused(Machine& machine, const Value*, u32) {
  return refuse(machine, kRefused[I]);
}

template <std::size_t... I>
void define_all(Machine& machine, std::index_sequence<I...>) {
  (machine.define({kRefused[I], refused<I>, 0, kAnyCount}), ...);
}

}  // namespace

void define_refused(Machine& machine) { define_all(machine, std::make_index_sequence<std::size(kRefused)>()); }

}  // namespace heddle::lisp
