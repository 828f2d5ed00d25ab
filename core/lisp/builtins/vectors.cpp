// Vectors (R7RS 6.8); what calls procedures back is in prelude/vectors.scm. A literal vector is immutable: changing one
// is a TypeError.
#include <algorithm>
#include <string>
#include <string_view>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/text/strings.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {
namespace {

bool vector_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  return type_argument(machine, name, arguments, index, Type::kVector, "a vector");
}

bool mutable_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  if (!vector_argument(machine, name, arguments, index)) return false;
  if ((as<Vector>(arguments[index])->aux & 1) == 0) return true;
  machine.type_error(name, index + 1, "a vector that is no literal", arguments[index]);
  return false;
}

// A new vector of items that lie one behind the other.
Value copy_of(Machine& machine, std::string_view name, const Value* items, u32 count) {
  if (!room(machine, name, Vector::size(count))) return kRaised;
  const Value result = machine.heap().vector(count, kFalse);
  std::copy(items, items + count, as<Vector>(result)->items);
  return result;
}

Value vector_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_a(arguments[0], Type::kVector)); }

Value make_vector(Machine& machine, const Value* arguments, u32 count) {
  u32 size = 0;
  if (!size_argument(machine, "make-vector", arguments, 0, sizeof(Value), size)) return kRaised;
  return machine.heap().vector(size, count > 1 ? arguments[1] : kUnspecified);
}

Value vector(Machine& machine, const Value* arguments, u32 count) {
  charge_items(machine, count);
  return copy_of(machine, "vector", arguments, count);
}

Value ref(Machine& machine, const Value* arguments, u32) {
  u32 index = 0;
  if (!vector_argument(machine, "vector-ref", arguments, 0) ||
      !index_argument(machine, "vector-ref", arguments, 1, as<Vector>(arguments[0])->length, index)) {
    return kRaised;
  }
  return as<Vector>(arguments[0])->items[index];
}

Value set(Machine& machine, const Value* arguments, u32) {
  u32 index = 0;
  if (!mutable_argument(machine, "vector-set!", arguments, 0) ||
      !index_argument(machine, "vector-set!", arguments, 1, as<Vector>(arguments[0])->length, index)) {
    return kRaised;
  }
  machine.heap().write(as<Vector>(arguments[0])->items[index], arguments[2]);
  return kUnspecified;
}

Value length(Machine& machine, const Value* arguments, u32) {
  if (!vector_argument(machine, "vector-length", arguments, 0)) return kRaised;
  return Value::fixnum(as<Vector>(arguments[0])->length);
}

// arguments[index] and the range behind it.
struct Slice {
  Value* items = nullptr;
  u32 count = 0;
};
bool slice_argument(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index, Slice& out) {
  Range range;
  if (!vector_argument(machine, name, arguments, index)) return false;
  auto* vector = as<Vector>(arguments[index]);
  if (!range_arguments(machine, name, arguments, count, index + 1, vector->length, range)) return false;
  out = {vector->items + range.start, range.size()};
  return true;
}

Value copy(Machine& machine, const Value* arguments, u32 count) {
  Slice slice;
  if (!slice_argument(machine, "vector-copy", arguments, count, 0, slice)) return kRaised;
  return copy_of(machine, "vector-copy", slice.items, slice.count);
}

Value subvector(Machine& machine, const Value* arguments, u32 count) {
  Slice slice;
  if (!slice_argument(machine, "subvector", arguments, count, 0, slice)) return kRaised;
  return copy_of(machine, "subvector", slice.items, slice.count);
}

// (vector-copy! to at from [start [end]]): as if through a copy, where both are the same vector.
Value copy_into(Machine& machine, const Value* arguments, u32 count) {
  Slice slice;
  u64 at = 0;
  if (!mutable_argument(machine, "vector-copy!", arguments, 0)) return kRaised;
  auto* to = as<Vector>(arguments[0]);
  if (!integer_argument(machine, "vector-copy!", arguments, 1, "an index", to->length, at) ||
      !slice_argument(machine, "vector-copy!", arguments, count, 2, slice)) {
    return kRaised;
  }
  if (slice.count > to->length) {
    return machine.range_error("vector-copy!", 1, "at least " + std::to_string(slice.count) + " items long",
                               Value::fixnum(to->length));
  }
  if (slice.count > to->length - at) {
    return machine.range_error("vector-copy!", 2, "at most " + std::to_string(to->length - slice.count), arguments[1]);
  }
  Heap& heap = machine.heap();
  Value* target = to->items + at;
  if (slice.items < target) {
    for (u32 index = slice.count; index > 0; --index) heap.write(target[index - 1], slice.items[index - 1]);
  } else {
    for (u32 index = 0; index < slice.count; ++index) heap.write(target[index], slice.items[index]);
  }
  return kUnspecified;
}

Value fill(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!mutable_argument(machine, "vector-fill!", arguments, 0)) return kRaised;
  auto* vector = as<Vector>(arguments[0]);
  if (!range_arguments(machine, "vector-fill!", arguments, count, 2, vector->length, range)) return kRaised;
  for (u32 index = range.start; index < range.end; ++index) machine.heap().write(vector->items[index], arguments[1]);
  return kUnspecified;
}

Value append_vectors(Machine& machine, const Value* arguments, u32 count) {
  u64 size = 0;
  for (u32 index = 0; index < count; ++index) {
    if (!vector_argument(machine, "vector-append", arguments, index)) return kRaised;
    size += as<Vector>(arguments[index])->length;
  }
  charge_items(machine, size);
  if (size > kMaxElements) return machine.heap_error("vector-append", size * sizeof(Value));
  if (!room(machine, "vector-append", size * sizeof(Value))) return kRaised;
  const Value result = machine.heap().vector(static_cast<u32>(size), kFalse);
  Value* to = as<Vector>(result)->items;
  for (u32 index = 0; index < count; ++index) {
    const auto* vector = as<Vector>(arguments[index]);
    to = std::copy(vector->items, vector->items + vector->length, to);
  }
  return result;
}

// --- Lists

Value to_list(Machine& machine, const Value* arguments, u32 count) {
  Slice slice;
  if (!slice_argument(machine, "vector->list", arguments, count, 0, slice) ||
      !room(machine, "vector->list", u64{slice.count} * sizeof(Pair))) {
    return kRaised;
  }
  Value result = kNil;
  for (u32 index = slice.count; index > 0; --index) result = machine.heap().cons(slice.items[index - 1], result);
  return result;
}

Value from_list(Machine& machine, const Value* arguments, u32) {
  u64 length = 0;
  if (!list_argument(machine, "list->vector", arguments, 0, length) ||
      !room(machine, "list->vector", length * sizeof(Value))) {
    return kRaised;
  }
  const Value result = machine.heap().vector(static_cast<u32>(length), kFalse);
  Value* to = as<Vector>(result)->items;
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) *to++ = car(at);
  return result;
}

// (%reversed->vector list n): a vector of the n first items, the last one first.
Value from_reversed(Machine& machine, const Value* arguments, u32) {
  u32 size = 0;
  if (!size_argument(machine, "vector-map", arguments, 1, sizeof(Value), size)) return kRaised;
  const Value result = machine.heap().vector(size, kFalse);
  Value at = arguments[0];
  for (u32 index = size; index > 0 && at.is_pair(); --index, at = cdr(at))
    as<Vector>(result)->items[index - 1] = car(at);
  return result;
}

// --- Strings

Value to_string(Machine& machine, const Value* arguments, u32 count) {
  Slice slice;
  if (!slice_argument(machine, "vector->string", arguments, count, 0, slice) ||
      !room(machine, "vector->string", 4 * u64{slice.count})) {
    return kRaised;
  }
  std::string text;
  for (u32 index = 0; index < slice.count; ++index) {
    const Value item = slice.items[index];
    if (!item.is_char()) return machine.type_error("vector->string", 1, "a vector of characters", item);
    append_utf8(text, item.to_char());
  }
  return machine.heap().string(text);
}

Value from_string(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!type_argument(machine, "string->vector", arguments, 0, Type::kString, "a string")) return kRaised;
  const auto* string = as<String>(arguments[0]);
  if (!range_arguments(machine, "string->vector", arguments, count, 1, string->length, range) ||
      !room(machine, "string->vector", u64{range.size()} * sizeof(Value))) {
    return kRaised;
  }
  const Value result = machine.heap().vector(range.size(), kFalse);
  for (u32 index = 0; index < range.size(); ++index) {
    as<Vector>(result)->items[index] = Value::character(char_at(string, range.start + index));
  }
  return result;
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%reversed->vector", from_reversed, 2, 2},
    {"list->vector", from_list, 1, 1},
    {"make-vector", make_vector, 1, 2},
    {"string->vector", from_string, 1, 3},
    {"subvector", subvector, 3, 3},
    {"vector", vector, 0, kAnyCount},
    {"vector->list", to_list, 1, 3},
    {"vector->string", to_string, 1, 3},
    {"vector-append", append_vectors, 0, kAnyCount},
    {"vector-copy!", copy_into, 3, 5},
    {"vector-copy", copy, 1, 3},
    {"vector-fill!", fill, 2, 4},
    {"vector-length", length, 1, 1},
    {"vector-ref", ref, 2, 2},
    {"vector-set!", set, 3, 3},
    {"vector?", vector_is, 1, 1},
};

}  // namespace

void define_vectors(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
