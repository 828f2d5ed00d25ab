// Strings (R7RS 6.7); searching, cutting and joining is in string_search.cpp, what calls procedures back in
// prelude/strings.scm, string->utf8 in bytevectors.cpp, string->vector in vectors.cpp. A literal and the name of a
// symbol are immutable: changing one is a TypeError. How strings lie in memory: text/strings.h.
#include "lisp/text/strings.h"

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/builtins/comparison.h"
#include "lisp/builtins/string_arguments.h"
#include "lisp/text/unicode.h"

namespace heddle::lisp {

bool string_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  return type_argument(machine, name, arguments, index, Type::kString, "a string");
}

bool char_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u32& out) {
  if (arguments[index].is_char()) {
    out = arguments[index].to_char();
    return true;
  }
  machine.type_error(name, index + 1, "a character", arguments[index]);
  return false;
}

bool length_of_result(Machine& machine, std::string_view name, u64 length, u32 width) {
  charge_items(machine, length * width / 8);
  if (length <= kMaxStringLength) return room(machine, name, length * width);
  machine.heap_error(name, length * width);
  return false;
}

namespace {

bool mutable_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  if (!string_argument(machine, name, arguments, index)) return false;
  if (!as<String>(arguments[index])->is_immutable()) return true;
  machine.type_error(name, index + 1, "a string that is no literal", arguments[index]);
  return false;
}

// Before characters of a string change.
bool own(Machine& machine, std::string_view name, String* string, bool needs_wide) {
  const u64 bytes = bytes_to_change(string, needs_wide);
  if (bytes == 0) return true;
  if (!room(machine, name, bytes)) return false;
  charge_items(machine, bytes / 8);
  own_bytes(machine.heap(), string, needs_wide);
  return true;
}

// --- Comparisons

constexpr const char* kCompare[] = {"string=?", "string<?", "string>?", "string<=?", "string>=?"};
constexpr const char* kCompareFolded[] = {"string-ci=?", "string-ci<?", "string-ci>?", "string-ci<=?", "string-ci>=?"};

// All arguments are looked at, also behind a pair for which it does not hold.
Value compare_all(Machine& machine, const Value* arguments, u32 count, Comparison comparison, bool folds) {
  const char* name = (folds ? kCompareFolded : kCompare)[static_cast<u32>(comparison)];
  bool result = true;
  for (u32 i = 0; i < count; ++i) {
    if (!string_argument(machine, name, arguments, i)) return kRaised;
    if (i == 0 || !result) continue;
    const auto* left = as<String>(arguments[i - 1]);
    const auto* right = as<String>(arguments[i]);
    charge_items(machine, left->length < right->length ? left->length : right->length);
    if (comparison == Comparison::kEqual && !folds) {
      result = equal(left, right);
    } else {
      result = holds(comparison, folds ? compare_folded(left, right) : compare(left, right));
    }
  }
  return Value::boolean(result);
}

template <Comparison kComparison, bool kFolds>
Value compare_strings(Machine& machine, const Value* arguments, u32 count) {
  return compare_all(machine, arguments, count, kComparison, kFolds);
}

// --- Making

Value string_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_string(arguments[0])); }

Value make_string(Machine& machine, const Value* arguments, u32 count) {
  u32 c = ' ';
  u64 length = 0;
  if (count > 1 && !char_argument(machine, "make-string", arguments, 1, c)) return kRaised;
  if (!integer_argument(machine, "make-string", arguments, 0, "a size", kMaxStringLength, length) ||
      !length_of_result(machine, "make-string", length, c > 0xff ? 4 : 1)) {
    return kRaised;
  }
  String* string = new_string(machine.heap(), static_cast<u32>(length), c > 0xff);
  fill_chars(string, 0, string->length, c);
  return Value::object(string);
}

Value string(Machine& machine, const Value* arguments, u32 count) {
  bool is_wide = false;
  for (u32 i = 0; i < count; ++i) {
    u32 c = 0;
    if (!char_argument(machine, "string", arguments, i, c)) return kRaised;
    is_wide |= c > 0xff;
  }
  charge_items(machine, count);
  String* result = new_string(machine.heap(), count, is_wide);
  for (u32 i = 0; i < count; ++i) set_char(result, i, arguments[i].to_char());
  return Value::object(result);
}

Value from_list(Machine& machine, const Value* arguments, u32) {
  u64 length = 0;
  if (!list_argument(machine, "list->string", arguments, 0, length)) return kRaised;
  bool is_wide = false;
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) {
    if (!car(at).is_char()) return machine.type_error("list->string", 1, "a list of characters", arguments[0]);
    is_wide |= car(at).to_char() > 0xff;
  }
  if (!length_of_result(machine, "list->string", length, is_wide ? 4 : 1)) return kRaised;
  String* result = new_string(machine.heap(), static_cast<u32>(length), is_wide);
  u32 i = 0;
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) set_char(result, i++, car(at).to_char());
  return Value::object(result);
}

Value to_list(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!string_argument(machine, "string->list", arguments, 0)) return kRaised;
  const auto* from = as<String>(arguments[0]);
  if (!range_arguments(machine, "string->list", arguments, count, 1, from->length, range) ||
      !room(machine, "string->list", u64{range.size()} * sizeof(Pair))) {
    return kRaised;
  }
  Value list = kNil;
  for (u32 i = range.end; i > range.start; --i)
    list = machine.heap().cons(Value::character(char_at(from, i - 1)), list);
  return list;
}

Value copy_part(Machine& machine, const char* name, const Value* arguments, u32 count) {
  Range range;
  if (!string_argument(machine, name, arguments, 0)) return kRaised;
  const auto* from = as<String>(arguments[0]);
  if (!range_arguments(machine, name, arguments, count, 1, from->length, range) ||
      !room(machine, name, u64{range.size()} * width_of(from))) {
    return kRaised;
  }
  return heddle::lisp::substring(machine.heap(), from, range.start, range.end);
}

Value copy(Machine& machine, const Value* arguments, u32 count) {
  return copy_part(machine, "string-copy", arguments, count);
}

Value substring(Machine& machine, const Value* arguments, u32 count) {
  return copy_part(machine, "substring", arguments, count);
}

Value append(Machine& machine, const Value* arguments, u32 count) {
  u64 length = 0;
  bool is_wide = false;
  for (u32 i = 0; i < count; ++i) {
    if (!string_argument(machine, "string-append", arguments, i)) return kRaised;
    length += as<String>(arguments[i])->length;
    is_wide |= as<String>(arguments[i])->is_wide();
  }
  const auto* first = count == 0 ? nullptr : as<String>(arguments[0]);
  if (first != nullptr && length <= kMaxStringLength && grows_in_place(first, length - first->length, is_wide)) {
    charge_items(machine, (length - first->length) / 2);
  } else if (!length_of_result(machine, "string-append", length, is_wide ? 4 : 1)) {
    return kRaised;
  }
  return concatenate(machine.heap(), arguments, count);
}

// --- Looking and changing

Value length(Machine& machine, const Value* arguments, u32) {
  if (!string_argument(machine, "string-length", arguments, 0)) return kRaised;
  return Value::fixnum(as<String>(arguments[0])->length);
}

Value ref(Machine& machine, const Value* arguments, u32) {
  u32 index = 0;
  if (!string_argument(machine, "string-ref", arguments, 0) ||
      !index_argument(machine, "string-ref", arguments, 1, as<String>(arguments[0])->length, index)) {
    return kRaised;
  }
  return Value::character(char_at(as<String>(arguments[0]), index));
}

Value set(Machine& machine, const Value* arguments, u32) {
  u32 index = 0;
  u32 c = 0;
  if (!mutable_argument(machine, "string-set!", arguments, 0) ||
      !index_argument(machine, "string-set!", arguments, 1, as<String>(arguments[0])->length, index) ||
      !char_argument(machine, "string-set!", arguments, 2, c) ||
      !own(machine, "string-set!", as<String>(arguments[0]), c > 0xff)) {
    return kRaised;
  }
  set_char(as<String>(arguments[0]), index, c);
  return kUnspecified;
}

Value fill(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  u32 c = 0;
  if (!mutable_argument(machine, "string-fill!", arguments, 0) ||
      !char_argument(machine, "string-fill!", arguments, 1, c) ||
      !range_arguments(machine, "string-fill!", arguments, count, 2, as<String>(arguments[0])->length, range) ||
      !own(machine, "string-fill!", as<String>(arguments[0]), c > 0xff)) {
    return kRaised;
  }
  fill_chars(as<String>(arguments[0]), range.start, range.end, c);
  return kUnspecified;
}

// (string-copy! to at from [start [end]]): as if through a copy, where both are the same string.
Value copy_into(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  u64 at = 0;
  if (!mutable_argument(machine, "string-copy!", arguments, 0)) return kRaised;
  auto* to = as<String>(arguments[0]);
  if (!integer_argument(machine, "string-copy!", arguments, 1, "an index", to->length, at) ||
      !string_argument(machine, "string-copy!", arguments, 2)) {
    return kRaised;
  }
  const auto* from = as<String>(arguments[2]);
  if (!range_arguments(machine, "string-copy!", arguments, count, 3, from->length, range)) return kRaised;
  if (range.size() > to->length - at) {
    return machine.range_error("string-copy!", 2,
                               "an index with room for " + std::to_string(range.size()) + " characters", arguments[1]);
  }
  if (!own(machine, "string-copy!", to, from->is_wide())) return kRaised;
  copy_chars(to, static_cast<u32>(at), from, range.start, range.end);
  return kUnspecified;
}

// --- Case

using Mapping = Expansion (*)(u32);

// Greek capital sigma has two small forms: this one where a word ends.
constexpr u32 kCapitalSigma = 0x3a3;
constexpr u32 kFinalSigma = 0x3c2;
bool ends_word(const String* string, u32 index) {
  return index > 0 && is_alphabetic(char_at(string, index - 1)) &&
         (index + 1 == string->length || !is_alphabetic(char_at(string, index + 1)));
}

Value map_case(Machine& machine, const char* name, const Value* arguments, Mapping mapping) {
  if (!string_argument(machine, name, arguments, 0)) return kRaised;
  const auto* from = as<String>(arguments[0]);
  const auto expanded = [&](u32 i) {
    const u32 c = char_at(from, i);
    if (c == kCapitalSigma && mapping == full_downcase && ends_word(from, i)) return Expansion{1, {kFinalSigma, 0, 0}};
    return mapping(c);
  };
  u64 length = 0;
  bool is_wide = false;
  for (u32 i = 0; i < from->length; ++i) {
    const Expansion expansion = expanded(i);
    length += expansion.count;
    for (u32 k = 0; k < expansion.count; ++k) is_wide |= expansion.chars[k] > 0xff;
  }
  charge_items(machine, u64{from->length} * 4);
  if (!length_of_result(machine, name, length, is_wide ? 4 : 1)) return kRaised;
  String* result = new_string(machine.heap(), static_cast<u32>(length), is_wide);
  u32 at = 0;
  for (u32 i = 0; i < from->length; ++i) {
    const Expansion expansion = expanded(i);
    for (u32 k = 0; k < expansion.count; ++k) set_char(result, at++, expansion.chars[k]);
  }
  return Value::object(result);
}

Value to_upcase(Machine& machine, const Value* arguments, u32) {
  return map_case(machine, "string-upcase", arguments, full_upcase);
}
Value to_downcase(Machine& machine, const Value* arguments, u32) {
  return map_case(machine, "string-downcase", arguments, full_downcase);
}
Value to_foldcase(Machine& machine, const Value* arguments, u32) {
  return map_case(machine, "string-foldcase", arguments, full_foldcase);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"list->string", from_list, 1, 1},
    {"make-string", make_string, 1, 2},
    {"string", string, 0, kAnyCount},
    {"string->list", to_list, 1, 3},
    {"string-append", append, 0, kAnyCount},
    {"string-ci<=?", compare_strings<Comparison::kLessOrEqual, true>, 1, kAnyCount},
    {"string-ci<?", compare_strings<Comparison::kLess, true>, 1, kAnyCount},
    {"string-ci=?", compare_strings<Comparison::kEqual, true>, 1, kAnyCount},
    {"string-ci>=?", compare_strings<Comparison::kGreaterOrEqual, true>, 1, kAnyCount},
    {"string-ci>?", compare_strings<Comparison::kGreater, true>, 1, kAnyCount},
    {"string-copy", copy, 1, 3},
    {"string-copy!", copy_into, 3, 5},
    {"string-downcase", to_downcase, 1, 1},
    {"string-fill!", fill, 2, 4},
    {"string-foldcase", to_foldcase, 1, 1},
    {"string-length", length, 1, 1},
    {"string-ref", ref, 2, 2},
    {"string-set!", set, 3, 3},
    {"string-upcase", to_upcase, 1, 1},
    {"string<=?", compare_strings<Comparison::kLessOrEqual, false>, 1, kAnyCount},
    {"string<?", compare_strings<Comparison::kLess, false>, 1, kAnyCount},
    {"string=?", compare_strings<Comparison::kEqual, false>, 1, kAnyCount},
    {"string>=?", compare_strings<Comparison::kGreaterOrEqual, false>, 1, kAnyCount},
    {"string>?", compare_strings<Comparison::kGreater, false>, 1, kAnyCount},
    {"string?", string_is, 1, 1},
    {"substring", substring, 2, 3},
};

}  // namespace

void define_strings(Machine& machine) {
  machine.define(kBuiltins);
  define_string_search(machine);
}

}  // namespace heddle::lisp
