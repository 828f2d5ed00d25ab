// Bytevectors (R7RS 6.9).
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/text/strings.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {
namespace {

constexpr std::string_view kBytevector = "a bytevector";

bool bytes_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  return type_argument(machine, name, arguments, index, Type::kBytes, kBytevector);
}

bool byte_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u8& byte) {
  u64 number = 0;
  if (!integer_argument(machine, name, arguments, index, "a byte", 255, number)) return false;
  byte = static_cast<u8>(number);
  return true;
}

Value bytevector_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_a(arguments[0], Type::kBytes)); }

Value make_bytevector(Machine& machine, const Value* arguments, u32 count) {
  u32 size = 0;
  u8 fill = 0;
  if (!size_argument(machine, "make-bytevector", arguments, 0, 1, size)) return kRaised;
  if (count > 1 && !byte_argument(machine, "make-bytevector", arguments, 1, fill)) return kRaised;
  return machine.heap().bytes(size, fill);
}

Value bytevector(Machine& machine, const Value* arguments, u32 count) {
  const Value result = machine.heap().bytes(count);
  for (u32 index = 0; index < count; ++index) {
    if (!byte_argument(machine, "bytevector", arguments, index, as<Bytes>(result)->data[index])) return kRaised;
  }
  charge_items(machine, count);
  return result;
}

Value ref(Machine& machine, const Value* arguments, u32) {
  u32 index = 0;
  if (!bytes_argument(machine, "bytevector-u8-ref", arguments, 0) ||
      !index_argument(machine, "bytevector-u8-ref", arguments, 1, as<Bytes>(arguments[0])->length, index)) {
    return kRaised;
  }
  return Value::fixnum(as<Bytes>(arguments[0])->data[index]);
}

Value set(Machine& machine, const Value* arguments, u32) {
  u32 index = 0;
  u8 byte = 0;
  if (!bytes_argument(machine, "bytevector-u8-set!", arguments, 0) ||
      !index_argument(machine, "bytevector-u8-set!", arguments, 1, as<Bytes>(arguments[0])->length, index) ||
      !byte_argument(machine, "bytevector-u8-set!", arguments, 2, byte)) {
    return kRaised;
  }
  as<Bytes>(arguments[0])->data[index] = byte;
  return kUnspecified;
}

Value length(Machine& machine, const Value* arguments, u32) {
  if (!bytes_argument(machine, "bytevector-length", arguments, 0)) return kRaised;
  return Value::fixnum(as<Bytes>(arguments[0])->length);
}

// The bytes of arguments[index] in the range that the arguments behind it give.
bool bytes_in_range(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index,
                    std::string_view& out) {
  Range range;
  if (!bytes_argument(machine, name, arguments, index)) return false;
  const auto* bytes = as<Bytes>(arguments[index]);
  if (!range_arguments(machine, name, arguments, count, index + 1, bytes->length, range)) return false;
  out = {reinterpret_cast<const char*>(bytes->data) + range.start, range.size()};
  return true;
}

Value from_text(Machine& machine, std::string_view name, std::string_view text) {
  if (!room(machine, name, text.size())) return kRaised;
  const Value result = machine.heap().bytes(static_cast<u32>(text.size()));
  std::memcpy(as<Bytes>(result)->data, text.data(), text.size());
  return result;
}

Value copy(Machine& machine, const Value* arguments, u32 count) {
  std::string_view bytes;
  if (!bytes_in_range(machine, "bytevector-copy", arguments, count, 0, bytes)) return kRaised;
  return from_text(machine, "bytevector-copy", bytes);
}

// (bytevector-copy! to at from [start [end]]): as if through a copy, where both are the same.
Value copy_into(Machine& machine, const Value* arguments, u32 count) {
  std::string_view bytes;
  u64 at = 0;
  if (!bytes_argument(machine, "bytevector-copy!", arguments, 0)) return kRaised;
  auto* to = as<Bytes>(arguments[0]);
  if (!integer_argument(machine, "bytevector-copy!", arguments, 1, "an index", to->length, at) ||
      !bytes_in_range(machine, "bytevector-copy!", arguments, count, 2, bytes)) {
    return kRaised;
  }
  if (bytes.size() > to->length - at) {
    const std::string most = std::to_string(to->length - bytes.size());
    if (bytes.size() > to->length) {
      return machine.range_error("bytevector-copy!", 1, "at least " + std::to_string(bytes.size()) + " bytes long",
                                 Value::fixnum(to->length));
    }
    return machine.range_error("bytevector-copy!", 2, "at most " + most, arguments[1]);
  }
  std::memmove(to->data + at, bytes.data(), bytes.size());
  return kUnspecified;
}

Value append(Machine& machine, const Value* arguments, u32 count) {
  u64 size = 0;
  for (u32 index = 0; index < count; ++index) {
    if (!bytes_argument(machine, "bytevector-append", arguments, index)) return kRaised;
    size += as<Bytes>(arguments[index])->length;
  }
  charge_items(machine, size);
  if (size > kMaxElements) return machine.heap_error("bytevector-append", size);
  if (!room(machine, "bytevector-append", size)) return kRaised;
  const Value result = machine.heap().bytes(static_cast<u32>(size));
  u8* to = as<Bytes>(result)->data;
  for (u32 index = 0; index < count; ++index) {
    const auto* bytes = as<Bytes>(arguments[index]);
    std::memcpy(to, bytes->data, bytes->length);
    to += bytes->length;
  }
  return result;
}

// (bytevector-fill! bytevector byte [start [end]])
Value fill(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  u8 byte = 0;
  if (!bytes_argument(machine, "bytevector-fill!", arguments, 0) ||
      !byte_argument(machine, "bytevector-fill!", arguments, 1, byte)) {
    return kRaised;
  }
  auto* bytes = as<Bytes>(arguments[0]);
  if (!range_arguments(machine, "bytevector-fill!", arguments, count, 2, bytes->length, range)) return kRaised;
  std::memset(bytes->data + range.start, byte, range.size());
  return kUnspecified;
}

// --- UTF-8

Value utf8_to_string(Machine& machine, const Value* arguments, u32 count) {
  std::string_view bytes;
  if (!bytes_in_range(machine, "utf8->string", arguments, count, 0, bytes)) return kRaised;
  for (std::size_t at = 0; at < bytes.size();) {
    const char* place = bytes.data() + at;
    if (decode_utf8(bytes, at) != kNotUtf8) continue;
    const auto index = place - reinterpret_cast<const char*>(as<Bytes>(arguments[0])->data);
    return machine.error("ConversionError", "utf8->string: not UTF-8 at index " + std::to_string(index));
  }
  if (!room(machine, "utf8->string", 4 * bytes.size())) return kRaised;
  return machine.heap().string(bytes);
}

// (string->utf8 string [start [end]])
Value string_to_utf8(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!type_argument(machine, "string->utf8", arguments, 0, Type::kString, "a string")) return kRaised;
  const auto* string = as<String>(arguments[0]);
  if (!range_arguments(machine, "string->utf8", arguments, count, 1, string->length, range) ||
      !room(machine, "string->utf8", 4 * u64{range.size()})) {
    return kRaised;
  }
  std::string text;
  append_text(text, string, range.start, range.end);
  return from_text(machine, "string->utf8", text);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"bytevector", bytevector, 0, kAnyCount}, {"bytevector-append", append, 0, kAnyCount},
    {"bytevector-copy!", copy_into, 3, 5},    {"bytevector-copy", copy, 1, 3},
    {"bytevector-fill!", fill, 2, 4},         {"bytevector-length", length, 1, 1},
    {"bytevector-u8-ref", ref, 2, 2},         {"bytevector-u8-set!", set, 3, 3},
    {"bytevector?", bytevector_is, 1, 1},     {"make-bytevector", make_bytevector, 1, 2},
    {"string->utf8", string_to_utf8, 1, 3},   {"utf8->string", utf8_to_string, 1, 3},
};

}  // namespace

void define_bytevectors(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
