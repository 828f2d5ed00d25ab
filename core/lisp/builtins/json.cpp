// JSON (RFC 8259): (json->value text) and (value->json value :indent n).
//
//   object   a hash table with string keys, in order; of a key that comes twice the last value counts
//   array    a list (a vector or a list, on the way out)
//   string   a string (also a symbol or a character, on the way out); half of a surrogate pair is U+FFFD
//   number   exact if it is written as an integer, otherwise a flonum
//   null     the symbol null
//
// Reading is strict: what is not JSON is a ReadError "line 2, column 5: expected ...". Both directions keep what is
// open in a vector, not on the stack, and refuse to nest deeper than kMaxDepth. It is a parser of its own, and not a
// library's, for the sake of those positions, of big integers, and of half surrogates, which models do write.
#include <cmath>
#include <string>
#include <vector>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/hash_table.h"
#include "lisp/identity_map.h"
#include "lisp/printer.h"
#include "lisp/strings.h"
#include "lisp/utf8.h"

namespace heddle::lisp {
namespace {

constexpr u32 kMaxDepth = 100'000;
constexpr u64 kRoom = 1024;  // bytes that one step of reading may take, but for a string, which is in the text already
constexpr u32 kEnd = 0xffffffff;  // behind the text; no character

class JsonReader {
 public:
  JsonReader(Machine& machine, Value text)
      : machine_(machine), text_(as<String>(text)), null_(machine.heap().symbol("null")) {}

  // The value of the whole text, or kRaised.
  Value read();

 private:
  // An array or an object that is open.
  struct Open {
    Value table;  // kFalse: an array
    Value key;
    ListBuilder items;
  };

  u32 peek() const { return at_ < text_->length ? char_at(text_, at_) : kEnd; }
  void skip_space() {
    for (u32 c = peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek()) ++at_;
  }
  bool take(u32 c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  // A value that is no array and no object.
  Value read_scalar();
  Value read_word(std::string_view word, Value value);
  Value read_number();
  // After the first quotation mark.
  Value read_string();
  bool read_escape(std::string& out);
  bool read_hex(u32& unit);
  // The key of the next member, and the colon.
  bool read_key(Open& open);
  // What was expected where the reader stands.
  Value expected(std::string_view what);
  Value error_at(u32 at, std::string_view message);

  Machine& machine_;
  const String* text_;
  u32 at_ = 0;
  Value null_;
  std::vector<Open> open_;
};

Value JsonReader::error_at(u32 at, std::string_view message) {
  u32 line = 1;
  u32 column = 1;
  for (u32 index = 0; index < at; ++index, ++column) {
    if (char_at(text_, index) != '\n') continue;
    ++line;
    column = 0;
  }
  return machine_.error("ReadError", "json->value: line " + std::to_string(line) + ", column " +
                                         std::to_string(column) + ": " + std::string(message));
}

Value JsonReader::expected(std::string_view what) {
  std::string message = "expected " + std::string(what) + ", got ";
  if (peek() == kEnd) {
    message += "the end of the text";
  } else if (peek() < ' ') {
    message += "a control character";
  } else {
    message += "'";
    append_utf8(message, peek());
    message += "'";
  }
  return error_at(at_, message);
}

Value JsonReader::read_word(std::string_view word, Value value) {
  const u32 start = at_;
  for (const char c : word) {
    if (!take(static_cast<u8>(c))) {
      at_ = start;
      return expected("a value");
    }
  }
  return value;
}

Value JsonReader::read_number() {
  const u32 start = at_;
  std::string digits;
  bool is_integer = true;
  const auto is_digit = [&] { return peek() >= '0' && peek() <= '9'; };
  const auto copy_digits = [&] {
    const u32 first = at_;
    for (; is_digit(); ++at_) digits += static_cast<char>(peek());
    return at_ > first;
  };
  if (take('-')) digits += '-';
  if (take('0')) {
    digits += '0';
    if (is_digit()) return error_at(start, "a number must not begin with 0");
  } else if (!copy_digits()) {
    return expected("a digit");
  }
  if (take('.')) {
    is_integer = false;
    digits += '.';
    if (!copy_digits()) return expected("a digit");
  }
  if (peek() == 'e' || peek() == 'E') {
    is_integer = false;
    ++at_;
    digits += 'e';
    if (peek() == '+' || peek() == '-') digits += static_cast<char>(char_at(text_, at_++));
    if (!copy_digits()) return expected("a digit");
  }
  const Value number = parse_number(machine_, digits);
  if (number.is_signal() || is_integer || is_flonum(number)) return number;
  return machine_.heap().flonum(to_double(number));
}

bool JsonReader::read_hex(u32& unit) {
  unit = 0;
  for (u32 digit = 0; digit < 4; ++digit) {
    const u32 c = peek();
    const u32 letter = c | 0x20;
    if (c >= '0' && c <= '9') {
      unit = unit << 4 | (c - '0');
    } else if (letter >= 'a' && letter <= 'f' && c < 0x80) {
      unit = unit << 4 | (letter - 'a' + 10);
    } else {
      expected("four hexadecimal digits");
      return false;
    }
    ++at_;
  }
  return true;
}

bool JsonReader::read_escape(std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const u32 c = peek();
  if (c != 'u') {
    const std::size_t index = c < 0x80 ? kLetters.find(static_cast<char>(c)) : std::string_view::npos;
    if (index == std::string_view::npos) {
      expected("an escape (one of \"\\/bfnrtu)");
      return false;
    }
    ++at_;
    out += kMeanings[index];
    return true;
  }
  ++at_;
  u32 unit = 0;
  if (!read_hex(unit)) return false;
  const u32 behind = at_;
  if (unit >= 0xd800 && unit < 0xdc00 && take('\\') && take('u')) {
    u32 low = 0;
    if (!read_hex(low)) return false;
    if (low >= 0xdc00 && low < 0xe000) {
      append_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
      return true;
    }
  }
  // Alone: what follows is read on its own.
  at_ = behind;
  append_utf8(out, unit);
  return true;
}

Value JsonReader::read_string() {
  std::string out;
  const u32 start = at_;
  for (;;) {
    const u32 c = peek();
    if (c == kEnd) return error_at(start - 1, "the string is not closed");
    if (c < ' ') return error_at(at_, "a control character in a string must be written as \\u and four digits");
    ++at_;
    if (c == '"') break;
    if (c != '\\') {
      append_utf8(out, c);
    } else if (!read_escape(out)) {
      return kRaised;
    }
  }
  return machine_.heap().string(out);
}

Value JsonReader::read_scalar() {
  switch (peek()) {
    case '"': ++at_; return read_string();
    case 't': return read_word("true", kTrue);
    case 'f': return read_word("false", kFalse);
    case 'n': return read_word("null", null_);
    default: break;
  }
  if (peek() == '-' || (peek() >= '0' && peek() <= '9')) return read_number();
  return expected("a value");
}

bool JsonReader::read_key(Open& open) {
  skip_space();
  if (!take('"')) {
    expected("a key in quotation marks");
    return false;
  }
  open.key = read_string();
  if (open.key.is_signal()) return false;
  skip_space();
  if (take(':')) return true;
  expected("':'");
  return false;
}

Value JsonReader::read() {
  Heap& heap = machine_.heap();
  for (;;) {
    // A value begins here.
    if (!room(machine_, "json->value", kRoom)) return kRaised;
    skip_space();
    Value value;
    const bool is_object = peek() == '{';
    if (is_object || peek() == '[') {
      if (open_.size() == kMaxDepth) {
        return error_at(at_, "nested more than " + std::to_string(kMaxDepth) + " levels deep");
      }
      ++at_;
      open_.push_back({is_object ? make_hash_table(heap) : kFalse, kFalse, ListBuilder(heap)});
      skip_space();
      if (!take(is_object ? '}' : ']')) {
        if (is_object && !read_key(open_.back())) return kRaised;
        continue;
      }
      value = is_object ? open_.back().table : kNil;
      open_.pop_back();
    } else {
      value = read_scalar();
      if (value.is_signal()) return value;
    }
    // It is complete, and with it perhaps what it is the last item of.
    for (;;) {
      skip_space();
      if (open_.empty()) {
        if (peek() != kEnd) return expected("nothing behind the value");
        machine_.charge(at_ >> 1);
        return value;
      }
      Open& open = open_.back();
      const bool is_table = open.table.is_true();
      if (is_table) {
        if (!hash_table_set(machine_, open.table, open.key, value)) return kRaised;
      } else {
        open.items.add(value);
      }
      if (take(',')) {
        if (is_table && !read_key(open)) return kRaised;
        break;
      }
      if (!take(is_table ? '}' : ']')) return expected(is_table ? "',' or '}'" : "',' or ']'");
      value = is_table ? open.table : open.items.list();
      open_.pop_back();
    }
  }
}

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

Value json_to_value(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "json->value", arguments, 0, Type::kString, "a string")) return kRaised;
  return JsonReader(machine, arguments[0]).read();
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

constexpr BuiltinDefinition kBuiltins[] = {
    {"json->value", json_to_value, 1, 1},
    {"value->json", value_to_json, 1, 5},
};

}  // namespace

void define_json(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
