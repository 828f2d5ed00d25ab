// Strings: searching, cutting, joining. The names are those of SRFI 13, 130 and 152, and of MIT Scheme for
// string-search-..., string-pad-... and string-trim (which trims both ends, as there). Indexes count characters.
//
// Searching is Knuth, Morris and Pratt's: linear, whatever the strings.
#include <algorithm>
#include <vector>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/builtins/string_arguments.h"
#include "lisp/text/strings.h"
#include "lisp/text/unicode.h"

namespace heddle::lisp {
namespace {

constexpr u32 kNowhere = 0xffffffff;

// For each beginning of the pattern: how much of it is also its proper end.
std::vector<u32> failures(const String* pattern) {
  std::vector<u32> result(pattern->length);
  for (u32 i = 1, matched = 0; i < pattern->length; ++i) {
    const u32 c = char_at(pattern, i);
    while (matched > 0 && char_at(pattern, matched) != c) matched = result[matched - 1];
    if (char_at(pattern, matched) == c) ++matched;
    result[i] = matched;
  }
  return result;
}

// Where a pattern stands in a text, one place after another, none overlapping the one before.
class Search {
 public:
  explicit Search(const String* pattern) : pattern_(pattern), failures_(failures(pattern)) {}

  // The first place from `at` on, before `end`; kNowhere.
  u32 next(const String* text, u32 at, u32 end) const {
    const u32 length = pattern_->length;
    if (length == 0) return at;
    if (end - at < length) return kNowhere;
    u32 matched = 0;
    for (u32 i = at; i < end; ++i) {
      const u32 c = char_at(text, i);
      while (matched > 0 && char_at(pattern_, matched) != c) matched = failures_[matched - 1];
      if (char_at(pattern_, matched) == c) ++matched;
      if (matched == length) return i + 1 - length;
    }
    return kNowhere;
  }

 private:
  const String* pattern_;
  std::vector<u32> failures_;
};

bool two_strings(Machine& machine, const char* name, const Value* arguments) {
  if (!string_argument(machine, name, arguments, 0) || !string_argument(machine, name, arguments, 1)) return false;
  charge_items(machine, u64{as<String>(arguments[0])->length} + as<String>(arguments[1])->length);
  return true;
}

Value place(u32 index) { return index == kNowhere ? kFalse : Value::fixnum(index); }

bool matches_at(const String* text, u32 at, const String* part) {
  if (part->length > text->length - at) return false;
  for (u32 i = 0; i < part->length; ++i) {
    if (char_at(text, at + i) != char_at(part, i)) return false;
  }
  return true;
}

// --- Searching

// (string-contains text pattern [start [end]])
Value contains(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!two_strings(machine, "string-contains", arguments)) return kRaised;
  const auto* text = as<String>(arguments[0]);
  if (!range_arguments(machine, "string-contains", arguments, count, 2, text->length, range)) return kRaised;
  return place(Search(as<String>(arguments[1])).next(text, range.start, range.end));
}

// (string-search-forward pattern text [start])
Value search_forward(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!two_strings(machine, "string-search-forward", arguments)) return kRaised;
  const auto* text = as<String>(arguments[1]);
  if (!range_arguments(machine, "string-search-forward", arguments, count, 2, text->length, range)) return kRaised;
  return place(Search(as<String>(arguments[0])).next(text, range.start, range.end));
}

// (string-search-backward pattern text [end]): the end of the last place that ends at `end` or before.
Value search_backward(Machine& machine, const Value* arguments, u32 count) {
  if (!two_strings(machine, "string-search-backward", arguments)) return kRaised;
  const auto* pattern = as<String>(arguments[0]);
  const auto* text = as<String>(arguments[1]);
  u64 end = text->length;
  if (count > 2 && !integer_argument(machine, "string-search-backward", arguments, 2, "an end", end, end)) {
    return kRaised;
  }
  if (pattern->length == 0) return Value::fixnum(static_cast<i64>(end));
  // Places may overlap, so each search goes on one character behind the last beginning. That is linear, too, only with
  // the search's state kept: so it runs over the whole text once.
  const std::vector<u32> failure = failures(pattern);
  u32 last = kNowhere;
  u32 matched = 0;
  for (u32 i = 0; i < end; ++i) {
    const u32 c = char_at(text, i);
    if (matched == pattern->length) matched = failure[matched - 1];
    while (matched > 0 && char_at(pattern, matched) != c) matched = failure[matched - 1];
    if (char_at(pattern, matched) == c) ++matched;
    if (matched == pattern->length) last = i + 1;
  }
  return place(last);
}

// (string-search-all pattern text): where it begins, overlapping ones too.
Value search_all(Machine& machine, const Value* arguments, u32) {
  if (!two_strings(machine, "string-search-all", arguments)) return kRaised;
  const auto* pattern = as<String>(arguments[0]);
  const auto* text = as<String>(arguments[1]);
  ListBuilder places(machine.heap());
  const std::vector<u32> failure = failures(pattern);
  u32 matched = 0;
  for (u32 i = 0; i < text->length && pattern->length != 0; ++i) {
    const u32 c = char_at(text, i);
    if (matched == pattern->length) matched = failure[matched - 1];
    while (matched > 0 && char_at(pattern, matched) != c) matched = failure[matched - 1];
    if (char_at(pattern, matched) == c) ++matched;
    if (matched != pattern->length) continue;
    if (!room(machine, "string-search-all", sizeof(Pair))) return kRaised;
    places.add(Value::fixnum(i + 1 - pattern->length));
  }
  return places.list();
}

Value prefix_is(Machine& machine, const Value* arguments, u32) {
  if (!two_strings(machine, "string-prefix?", arguments)) return kRaised;
  return Value::boolean(matches_at(as<String>(arguments[1]), 0, as<String>(arguments[0])));
}

Value suffix_is(Machine& machine, const Value* arguments, u32) {
  if (!two_strings(machine, "string-suffix?", arguments)) return kRaised;
  const auto* suffix = as<String>(arguments[0]);
  const auto* text = as<String>(arguments[1]);
  return Value::boolean(suffix->length <= text->length && matches_at(text, text->length - suffix->length, suffix));
}

Value null_is(Machine& machine, const Value* arguments, u32) {
  if (!string_argument(machine, "string-null?", arguments, 0)) return kRaised;
  return Value::boolean(as<String>(arguments[0])->length == 0);
}

// (%string-index string char start end), (%string-rindex ...): prelude/strings.scm has the rest.
Value find_char(Machine& machine, const Value* arguments, u32 count, bool from_end) {
  const char* name = from_end ? "string-rindex" : "string-index";
  Range range;
  u32 c = 0;
  if (!string_argument(machine, name, arguments, 0) || !char_argument(machine, name, arguments, 1, c)) return kRaised;
  const auto* text = as<String>(arguments[0]);
  if (!range_arguments(machine, name, arguments, count, 2, text->length, range)) return kRaised;
  if (from_end) {
    for (u32 i = range.end; i > range.start; --i) {
      if (char_at(text, i - 1) == c) return Value::fixnum(i - 1);
    }
    return kFalse;
  }
  for (u32 i = range.start; i < range.end; ++i) {
    if (char_at(text, i) == c) return Value::fixnum(i);
  }
  return kFalse;
}

Value index_of(Machine& machine, const Value* arguments, u32 count) {
  return find_char(machine, arguments, count, false);
}
Value last_index_of(Machine& machine, const Value* arguments, u32 count) {
  return find_char(machine, arguments, count, true);
}

// --- Cutting

// (%string-trim string ends): white space; ends: 1 left, 2 right, 3 both.
Value trim(Machine& machine, const Value* arguments, u32) {
  if (!string_argument(machine, "string-trim", arguments, 0)) return kRaised;
  const auto* text = as<String>(arguments[0]);
  const i64 ends = arguments[1].to_fixnum();
  u32 start = 0;
  u32 end = text->length;
  while ((ends & 1) != 0 && start < end && is_whitespace(char_at(text, start))) ++start;
  while ((ends & 2) != 0 && start < end && is_whitespace(char_at(text, end - 1))) --end;
  charge_items(machine, text->length);
  if (!room(machine, "string-trim", size_of(text))) return kRaised;
  return substring(machine.heap(), text, start, end);
}

// To `length` characters: filled up or cut at the left, or at the right.
Value pad(Machine& machine, const char* name, const Value* arguments, u32 count, bool at_left) {
  u64 length = 0;
  u32 c = ' ';
  if (!string_argument(machine, name, arguments, 0) ||
      !integer_argument(machine, name, arguments, 1, "a length", kMaxStringLength, length) ||
      (count > 2 && !char_argument(machine, name, arguments, 2, c))) {
    return kRaised;
  }
  const auto* text = as<String>(arguments[0]);
  const bool is_wide = text->is_wide() || c > 0xff;
  if (!length_of_result(machine, name, length, is_wide ? 4 : 1)) return kRaised;
  String* result = new_string(machine.heap(), static_cast<u32>(length), is_wide);
  const u32 kept = std::min(text->length, result->length);
  const u32 filled = result->length - kept;
  fill_chars(result, at_left ? 0 : kept, at_left ? filled : result->length, c);
  const u32 from = at_left ? text->length - kept : 0;
  copy_chars(result, at_left ? filled : 0, text, from, from + kept);
  return Value::object(result);
}

Value pad_left(Machine& machine, const Value* arguments, u32 count) {
  return pad(machine, "string-pad-left", arguments, count, true);
}
Value pad_right(Machine& machine, const Value* arguments, u32 count) {
  return pad(machine, "string-pad-right", arguments, count, false);
}

Value reverse(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!string_argument(machine, "string-reverse", arguments, 0)) return kRaised;
  const auto* text = as<String>(arguments[0]);
  if (!range_arguments(machine, "string-reverse", arguments, count, 1, text->length, range) ||
      !room(machine, "string-reverse", size_of(text))) {
    return kRaised;
  }
  String* result = new_string(machine.heap(), range.size(), text->is_wide());
  for (u32 i = 0; i < range.size(); ++i) set_char(result, i, char_at(text, range.end - 1 - i));
  return Value::object(result);
}

// (string-split string [delimiter]): the parts between the delimiters, a character or a string that is not empty.
// Without one: the words between white space. An empty string has no parts.
Value split(Machine& machine, const Value* arguments, u32 count) {
  if (!string_argument(machine, "string-split", arguments, 0)) return kRaised;
  const auto* text = as<String>(arguments[0]);
  charge_items(machine, u64{text->length} * 2);
  Heap& heap = machine.heap();
  ListBuilder parts(heap);
  const auto add = [&](u32 start, u32 end) {
    constexpr u64 kHeads = 64;  // of a String, its Bytes, and a Pair
    if (!room(machine, "string-split", kHeads + u64{end - start} * width_of(text))) return false;
    parts.add(substring(heap, text, start, end));
    return true;
  };
  if (count < 2) {
    for (u32 at = 0; at < text->length;) {
      u32 end = at;
      while (end < text->length && !is_whitespace(char_at(text, end))) ++end;
      if (end > at && !add(at, end)) return kRaised;
      at = end + 1;
    }
    return parts.list();
  }
  Value delimiter = arguments[1];
  if (delimiter.is_char()) {
    String* string = new_string(heap, 1, delimiter.to_char() > 0xff);
    set_char(string, 0, delimiter.to_char());
    delimiter = Value::object(string);
  }
  if (!is_string(delimiter)) return machine.type_error("string-split", 2, "a character or a string", delimiter);
  const u32 width = as<String>(delimiter)->length;
  if (width == 0) return machine.range_error("string-split", 2, "a string that is not empty", delimiter);
  if (text->length == 0) return kNil;
  charge_items(machine, width);
  const Search search(as<String>(delimiter));
  for (u32 at = 0;;) {
    const u32 found = search.next(text, at, text->length);
    if (!add(at, found == kNowhere ? text->length : found)) return kRaised;
    if (found == kNowhere) return parts.list();
    at = found + width;
  }
}

// --- Joining

// (string-join strings [delimiter [grammar]]): the delimiter, " " if none is given, between (infix, strict-infix),
// behind (suffix) or before (prefix) each.
Value join(Machine& machine, const Value* arguments, u32 count) {
  u64 items = 0;
  if (!list_argument(machine, "string-join", arguments, 0, items)) return kRaised;
  if (count > 1 && !string_argument(machine, "string-join", arguments, 1)) return kRaised;
  Heap& heap = machine.heap();
  const Value delimiter = count > 1 ? arguments[1] : heap.string(" ");
  const auto is_grammar = [&](std::string_view name) { return count > 2 && arguments[2] == heap.symbol(name); };
  const bool is_suffix = is_grammar("suffix");
  const bool is_prefix = is_grammar("prefix");
  if (count > 2 && !is_suffix && !is_prefix && !is_grammar("infix") && !is_grammar("strict-infix")) {
    return machine.type_error("string-join", 3, "infix, strict-infix, suffix or prefix", arguments[2]);
  }
  if (items == 0 && is_grammar("strict-infix")) {
    return machine.range_error("string-join", 1, "a list that is not empty", arguments[0]);
  }
  const auto* between = as<String>(delimiter);
  const u64 delimiters = items == 0 ? 0 : items - (is_suffix || is_prefix ? 0 : 1);
  u64 length = delimiters * between->length;
  bool is_wide = between->is_wide();
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) {
    if (!is_string(car(at))) return machine.type_error("string-join", 1, "a list of strings", arguments[0]);
    length += as<String>(car(at))->length;
    is_wide |= as<String>(car(at))->is_wide();
  }
  if (!length_of_result(machine, "string-join", length, is_wide ? 4 : 1)) return kRaised;
  String* result = new_string(heap, static_cast<u32>(length), is_wide);
  u32 to = 0;
  const auto add = [&](const String* part) {
    copy_chars(result, to, part, 0, part->length);
    to += part->length;
  };
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) {
    if (is_prefix || (!is_suffix && at != arguments[0])) add(between);
    add(as<String>(car(at)));
    if (is_suffix) add(between);
  }
  return Value::object(result);
}

// (string-concatenate strings)
Value concatenate_list(Machine& machine, const Value* arguments, u32) {
  const Value with_delimiter[] = {arguments[0], machine.heap().string("")};
  return join(machine, with_delimiter, 2);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%string-index", index_of, 2, 4},
    {"%string-rindex", last_index_of, 2, 4},
    {"%string-trim", trim, 2, 2},
    {"string-concatenate", concatenate_list, 1, 1},
    {"string-contains", contains, 2, 4},
    {"string-join", join, 1, 3},
    {"string-null?", null_is, 1, 1},
    {"string-pad", pad_left, 2, 3},
    {"string-pad-left", pad_left, 2, 3},
    {"string-pad-right", pad_right, 2, 3},
    {"string-prefix?", prefix_is, 2, 2},
    {"string-reverse", reverse, 1, 3},
    {"string-search-all", search_all, 2, 2},
    {"string-search-backward", search_backward, 2, 3},
    {"string-search-forward", search_forward, 2, 3},
    {"string-split", split, 1, 2},
    {"string-suffix?", suffix_is, 2, 2},
};

}  // namespace

void define_string_search(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
