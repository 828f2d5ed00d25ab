// JSON, on the way out: (value->json value :indent n). What becomes of a value says json_reader.cpp.
#include <cmath>
#include <string>
#include <vector>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/hash_table.h"
#include "lisp/identity_map.h"
#include "lisp/text/printer.h"
#include "lisp/text/strings.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {
namespace {

constexpr u32 kMaxDepth = 100'000;

class JsonWriter {
 public:
  JsonWriter(Machine& machine, u32 indent) : machine_(machine), null_(machine.heap().symbol("null")), indent_(indent) {}

  // The text, or kRaised.
  Value write(Value value);

 private:
  // An array or an object that is open.
  struct Open {
    Value whole;
    Value rest;  // of a list: what is still to be written
    u32 next = 0;
    u32 written = 0;
    Value key;  // of the member that is being written
  };

  // Writes the beginning of a value, and opens it if it has parts.
  bool begin(Value value);
  bool write_number(Value value);
  void write_string(const String* string);
  void write_character(u32 c);
  // The next part of what is open: false if there is none. With its comma, its key and its line's beginning.
  bool next_part(Open& open, Value& part);
  void new_line(std::size_t depth) {
    if (indent_ == 0) return;
    text_ += '\n';
    text_.append(depth * indent_, ' ');
  }
  bool has_room();
  bool refuse(std::string_view what, Value value);
  std::string path() const;

  Machine& machine_;
  Value null_;
  u32 indent_;
  std::string text_;
  u64 has_room_until_ = 1 << 16;  // bytes of text for which there is room, also as a string
  std::vector<Open> open_;
  IdentityMap on_path_;  // 1 for what is open
};

std::string JsonWriter::path() const {
  constexpr std::size_t kShown = 16;
  std::string path = "value";
  for (std::size_t depth = 0; depth < open_.size(); ++depth) {
    if (depth == kShown && open_.size() > 2 * kShown) {
      path += "...";
      depth = open_.size() - kShown;
    }
    const Open& open = open_[depth];
    if (!is_a(open.whole, Type::kHashTable)) {
      path += "[" + std::to_string(open.written - 1) + "]";
    } else {
      path += "." + (is_string(open.key) || is_symbol(open.key) ? text_of(open.key) : shown(open.key));
    }
  }
  return path;
}

// Data that share parts can be exponentially longer as text.
bool JsonWriter::has_room() {
  if (text_.size() <= has_room_until_) return true;
  if (text_.size() > kLongestOutput) {
    machine_.heap_error("value->json", text_.size());
    return false;
  }
  has_room_until_ = 2 * u64{text_.size()};
  return room(machine_, "value->json", 4 * has_room_until_);
}

bool JsonWriter::refuse(std::string_view what, Value value) {
  machine_.error("ConversionError", "value->json: " + path() + " " + std::string(what), {value});
  return false;
}

void JsonWriter::write_character(u32 c) {
  constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  constexpr char kDigits[] = "0123456789abcdef";
  const std::size_t index = c < 0x80 ? kSpecial.find(static_cast<char>(c)) : std::string_view::npos;
  if (index != std::string_view::npos) {
    text_ += '\\';
    text_ += kLetters[index];
  } else if (c < ' ' || c == 0x7f) {
    text_ += "\\u00";
    text_ += kDigits[c >> 4];
    text_ += kDigits[c & 15];
  } else {
    append_utf8(text_, c);
  }
}

void JsonWriter::write_string(const String* string) {
  text_ += '"';
  for (u32 index = 0; index < string->length; ++index) write_character(char_at(string, index));
  text_ += '"';
}

bool JsonWriter::write_number(Value value) {
  if (is_ratio(value)) return refuse("is a ratio, for which JSON has no form", value);
  if (is_flonum(value) && !std::isfinite(to_flonum(value))) {
    return refuse("is an infinity or a NaN, for which JSON has no form", value);
  }
  text_ += number_to_string(value);
  return true;
}

bool JsonWriter::begin(Value value) {
  if (is_string(value)) {
    write_string(as<String>(value));
  } else if (value.is_boolean()) {
    text_ += value.is_true() ? "true" : "false";
  } else if (value == null_) {
    text_ += "null";
  } else if (is_symbol(value)) {
    write_string(as<String>(as<Symbol>(value)->name));
  } else if (value.is_char()) {
    text_ += '"';
    write_character(value.to_char());
    text_ += '"';
  } else if (is_number(value)) {
    return write_number(value);
  } else if (value.is_nil()) {
    text_ += "[]";
  } else if (value.is_pair() || is_a(value, Type::kVector) || is_a(value, Type::kHashTable)) {
    if (value.is_pair()) {
      ListWalk walk(value);
      while (walk.at_pair()) walk.advance();
      if (walk.is_circular()) return refuse("is a circular list", kFalse);
      if (!walk.at_end()) return refuse("is an improper list", value);
    }
    u64& is_open = on_path_[value];
    if (is_open != 0) return refuse("contains itself", kFalse);
    if (open_.size() == kMaxDepth) {
      return refuse("is nested more than " + std::to_string(kMaxDepth) + " levels deep", kFalse);
    }
    is_open = 1;
    text_ += is_a(value, Type::kHashTable) ? '{' : '[';
    open_.push_back({value, value, 0, 0, kFalse});
  } else {
    return refuse("has no form in JSON", value);
  }
  return true;
}

bool JsonWriter::next_part(Open& open, Value& part) {
  if (open.rest.is_pair()) {
    part = car(open.rest);
    open.rest = cdr(open.rest);
  } else if (is_a(open.whole, Type::kVector)) {
    const auto* vector = as<Vector>(open.whole);
    if (open.next == vector->length) return false;
    part = vector->items[open.next++];
  } else if (!is_a(open.whole, Type::kHashTable) || !hash_table_next(open.whole, open.next, open.key, part)) {
    return false;
  }
  if (open.written++ > 0) text_ += ',';
  new_line(open_.size());
  return true;
}

Value JsonWriter::write(Value value) {
  if (!begin(value)) return kRaised;
  while (!open_.empty()) {
    Open& open = open_.back();
    Value part;
    if (next_part(open, part)) {
      if (is_a(open.whole, Type::kHashTable)) {
        const Value key = is_symbol(open.key) ? as<Symbol>(open.key)->name : open.key;
        if (!is_string(key)) {
          refuse("has a key that is neither a string nor a symbol", open.key);
          return kRaised;
        }
        write_string(as<String>(key));
        text_ += indent_ == 0 ? ":" : ": ";
      }
      if (!begin(part)) return kRaised;
      if (!has_room()) return kRaised;
      continue;
    }
    const bool is_table = is_a(open.whole, Type::kHashTable);
    const bool was_empty = open.written == 0;
    on_path_[open.whole] = 0;
    open_.pop_back();
    if (!was_empty) new_line(open_.size());
    text_ += is_table ? '}' : ']';
  }
  machine_.charge(text_.size() >> 1);
  return machine_.heap().string(text_);
}

// (value->json value [:indent n])
Value value_to_json(Machine& machine, const Value* arguments, u32 count) {
  u64 indent = 0;
  for (u32 index = 1; index < count; index += 2) {
    if (text_of(arguments[index]) != ":indent" || !is_symbol(arguments[index])) {
      return machine.type_error("value->json", index + 1, "the keyword :indent", arguments[index]);
    }
    if (index + 1 == count) return machine.error("ArityError", "value->json: :indent needs a number of spaces");
    if (!integer_argument(machine, "value->json", arguments, index + 1, "a number of spaces", 16, indent)) {
      return kRaised;
    }
  }
  return JsonWriter(machine, static_cast<u32>(indent)).write(arguments[0]);
}

constexpr BuiltinDefinition kBuiltins[] = {{"value->json", value_to_json, 1, 5}};

}  // namespace

void define_json_writer(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
