// Records (R7RS 5.5). A record type is an object, and so is a record: a type and its fields by number.
//
// What (define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y)) becomes:
//
//   (define point (%make-record-type 'point '#(x y)))
//   (define make-point (lambda (x y) (%record point x y)))    ; a field that is not given: #f
//   (define point? (lambda (object) (%record? object point)))
//   (define point-x (lambda (record) (%record-ref record point 0 'point-x)))
//   (define set-point-x! (lambda (record value) (%record-set! record point 0 value 'set-point-x!)))
//
// The last operand of %record-ref and %record-set! is for messages. The variable of the type is a program's own, so
// that everything is checked here, whatever it holds.
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"

namespace heddle::lisp {
namespace {

Value make_record_type(Machine& machine, const Value* arguments, u32) {
  constexpr std::string_view kName = "define-record-type";
  if (!type_argument(machine, kName, arguments, 0, Type::kSymbol, "a name") ||
      !type_argument(machine, kName, arguments, 1, Type::kVector, "a vector of names")) {
    return kRaised;
  }
  const auto* fields = as<Vector>(arguments[1]);
  for (u32 index = 0; index < fields->length; ++index) {
    if (!is_symbol(fields->items[index])) return machine.type_error(kName, 2, "a vector of names", arguments[1]);
  }
  auto* type = machine.heap().make<RecordType>(Type::kRecordType, sizeof(RecordType), fields->length);
  type->name = arguments[0];
  type->fields = arguments[1];
  return Value::object(type);
}

Value make_record(Machine& machine, const Value* arguments, u32 count) {
  const Value type = arguments[0];
  if (!is_a(type, Type::kRecordType)) return machine.type_error("record constructor", 1, "a record type", type);
  const u32 fields = as<RecordType>(type)->length;
  if (count - 1 != fields) {
    return machine.error("ArityError", text_of(as<RecordType>(type)->name) + ": a record of this type has " +
                                           std::to_string(fields) + " fields, got " + std::to_string(count - 1));
  }
  auto* record = machine.heap().make<Record>(Type::kRecord, Record::size(fields), fields);
  record->type = type;
  for (u32 index = 0; index < fields; ++index) record->fields[index] = arguments[index + 1];
  return Value::object(record);
}

bool is_record_of(Value object, Value type) { return is_a(object, Type::kRecord) && as<Record>(object)->type == type; }

Value record_is(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_record_of(arguments[0], arguments[1]));
}

// The arguments: record, type, field's number, [value,] name of the procedure.
Value not_such_a_record(Machine& machine, const Value* arguments, Value procedure) {
  const std::string name = text_of(procedure);
  if (!is_a(arguments[1], Type::kRecordType)) {
    return machine.error("TypeError", name + ": the record type was redefined as " + shown(arguments[1]));
  }
  const auto* type = as<RecordType>(arguments[1]);
  const Value index = arguments[2];
  std::string expected = "a record of type " + text_of(type->name);
  if (index.is_fixnum() && index.to_fixnum() >= 0 && index.to_fixnum() < type->length) {
    expected += " (for its field " + text_of(as<Vector>(type->fields)->items[index.to_fixnum()]) + ")";
  }
  return machine.type_error(name, 1, expected, arguments[0]);
}

bool has_field(Value record, Value index) {
  return index.is_fixnum() && index.to_fixnum() >= 0 && index.to_fixnum() < as<Record>(record)->length;
}

Value record_ref(Machine& machine, const Value* arguments, u32) {
  if (!is_record_of(arguments[0], arguments[1]) || !has_field(arguments[0], arguments[2])) {
    return not_such_a_record(machine, arguments, arguments[3]);
  }
  return as<Record>(arguments[0])->fields[arguments[2].to_fixnum()];
}

Value record_set(Machine& machine, const Value* arguments, u32) {
  if (!is_record_of(arguments[0], arguments[1]) || !has_field(arguments[0], arguments[2])) {
    return not_such_a_record(machine, arguments, arguments[4]);
  }
  machine.heap().write(as<Record>(arguments[0])->fields[arguments[2].to_fixnum()], arguments[3]);
  return kUnspecified;
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%make-record-type", make_record_type, 2, 2},
    {"%record", make_record, 1, kAnyCount},
    {"%record?", record_is, 2, 2},
    {"%record-ref", record_ref, 4, 4},
    {"%record-set!", record_set, 5, 5},
};

}  // namespace

void define_records(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
