// eq?, eqv? and equal? (R7RS 6.1). See equality.h.
#include "lisp/equality.h"

#include "lisp/builtins/builtins.h"
#include "lisp/machine.h"

namespace heddle::lisp {
namespace {

Value eq(Machine&, const Value* arguments, u32) { return Value::boolean(arguments[0] == arguments[1]); }
Value eqv(Machine&, const Value* arguments, u32) { return Value::boolean(is_eqv(arguments[0], arguments[1])); }
Value equal(Machine& machine, const Value* arguments, u32) {
  u64 work = 0;
  const bool result = is_equal(arguments[0], arguments[1], &work);
  machine.charge(work / 2);
  return Value::boolean(result);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"eq?", eq, 2, 2},
    {"equal?", equal, 2, 2},
    {"eqv?", eqv, 2, 2},
};

}  // namespace

void define_equality(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
