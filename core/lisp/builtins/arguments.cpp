#include "lisp/builtins/arguments.h"

#include <string>

#include "lisp/text/strings.h"

namespace heddle::lisp {

bool integer_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, std::string_view what,
                      u64 most, u64& out) {
  const Value value = arguments[index];
  if (value.is_fixnum() && value.to_fixnum() >= 0 && static_cast<u64>(value.to_fixnum()) <= most) {
    out = static_cast<u64>(value.to_fixnum());
    return true;
  }
  if (is_exact_integer(value)) {
    machine.range_error(name, index + 1, std::string(what) + " from 0 to " + std::to_string(most), value);
  } else {
    machine.type_error(name, index + 1, "an exact integer", value);
  }
  return false;
}

bool index_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u64 length, u32& out) {
  const Value value = arguments[index];
  if (value.is_fixnum() && value.to_fixnum() >= 0 && static_cast<u64>(value.to_fixnum()) < length) {
    out = static_cast<u32>(value.to_fixnum());
    return true;
  }
  if (is_exact_integer(value)) {
    machine.range_error(name, index + 1, "an index below " + std::to_string(length), value);
  } else {
    machine.type_error(name, index + 1, "an exact integer", value);
  }
  return false;
}

bool room(Machine& machine, std::string_view name, u64 bytes) {
  if (machine.heap().has_room(bytes)) return true;
  machine.heap_error(name, bytes);
  return false;
}

bool size_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u32 bytes_each,
                   u32& out) {
  u64 size = 0;
  if (!integer_argument(machine, name, arguments, index, "a size", kMaxElements, size)) return false;
  out = static_cast<u32>(size);
  charge_items(machine, size);
  return room(machine, name, size * bytes_each);
}

bool range_arguments(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index, u64 length,
                     Range& out) {
  u64 start = 0;
  u64 end = length;
  if (count > index + 1 && !integer_argument(machine, name, arguments, index + 1, "an end", length, end)) return false;
  if (count > index && !integer_argument(machine, name, arguments, index, "a start", end, start)) return false;
  out = {static_cast<u32>(start), static_cast<u32>(end)};
  charge_items(machine, end - start);
  return true;
}

bool type_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, Type type,
                   std::string_view expected) {
  if (is_a(arguments[index], type)) return true;
  machine.type_error(name, index + 1, expected, arguments[index]);
  return false;
}

std::string text_of(Value value) {
  if (is_symbol(value)) value = as<Symbol>(value)->name;
  return is_string(value) ? utf8_of(as<String>(value)) : "?";
}

Value not_a_list(Machine& machine, std::string_view name, u32 index, Value got) {
  return machine.type_error(name, index + 1, "a proper list", got);
}

bool list_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u64& length) {
  ListWalk walk(arguments[index]);
  while (walk.at_pair()) walk.advance();
  charge_items(machine, walk.count());
  length = walk.count();
  if (walk.at_end()) return true;
  not_a_list(machine, name, index, arguments[index]);
  return false;
}

}  // namespace heddle::lisp
