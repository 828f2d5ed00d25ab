// Promises (R7RS 4.2.5); force itself is in prelude/promises.scm.
//
//   (delay e)        is (%make-lazy (lambda () (%make-promise e)))
//   (make-promise e) is (%make-promise e), unless e is a promise already
//   (delay-force e)  is (%make-lazy (lambda () e))
//
// A promise whose thunk gave another promise takes over that one's content, and the other shares it from then on: it
// refers to the first. So a chain of delay-force of any length is one promise that is updated in a loop, in bounded
// space; and a reference leads to a promise that is not one, or was one for a while: lookups shorten the way.
#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"

namespace heddle::lisp {
namespace {

Value make(Machine& machine, Value is_done, Value content) {
  auto* promise = machine.heap().make<Promise>(Type::kPromise);
  promise->is_done = is_done;
  promise->content = content;
  return Value::object(promise);
}

// The promise that has the content of this one.
Value holder(Machine& machine, Value promise) {
  Value found = promise;
  while (is_a(as<Promise>(found)->is_done, Type::kPromise)) found = as<Promise>(found)->is_done;
  while (promise != found) {
    const Value next = as<Promise>(promise)->is_done;
    if (next != found) machine.heap().write(as<Promise>(promise)->is_done, found);
    promise = next;
    machine.charge(1);
  }
  return found;
}

Value make_promise(Machine& machine, const Value* arguments, u32) { return make(machine, kTrue, arguments[0]); }

Value make_lazy(Machine& machine, const Value* arguments, u32) { return make(machine, kFalse, arguments[0]); }

Value promise_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_a(arguments[0], Type::kPromise)); }

Value promise_is_done(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "force", arguments, 0, Type::kPromise, "a promise")) return kRaised;
  return as<Promise>(holder(machine, arguments[0]))->is_done;
}

Value promise_content(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "force", arguments, 0, Type::kPromise, "a promise")) return kRaised;
  return as<Promise>(holder(machine, arguments[0]))->content;
}

// The promise's thunk gave the second argument; unless the promise got its value meanwhile, it goes on with that one's
// content.
Value promise_update(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "force", arguments, 0, Type::kPromise, "a promise")) return kRaised;
  if (!is_a(arguments[1], Type::kPromise)) {
    return machine.type_error("delay-force", 1, "a promise", arguments[1]);
  }
  const Value promise = holder(machine, arguments[0]);
  const Value other = holder(machine, arguments[1]);
  if (promise == other || as<Promise>(promise)->is_done.is_true()) return kUnspecified;
  Heap& heap = machine.heap();
  heap.write(as<Promise>(promise)->is_done, as<Promise>(other)->is_done);
  heap.write(as<Promise>(promise)->content, as<Promise>(other)->content);
  heap.write(as<Promise>(other)->is_done, promise);
  heap.write(as<Promise>(other)->content, kFalse);
  return kUnspecified;
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%make-lazy", make_lazy, 1, 1},
    {"%make-promise", make_promise, 1, 1},
    {"%promise-content", promise_content, 1, 1},
    {"%promise-done?", promise_is_done, 1, 1},
    {"%promise-update!", promise_update, 2, 2},
    {"promise?", promise_is, 1, 1},
};

}  // namespace

void define_promises(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
