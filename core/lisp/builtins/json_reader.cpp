// JSON (RFC 8259), on the way in: (json->value text). On the way out: json_writer.cpp.
//
//   object   a hash table with string keys, in order; of a key that comes twice the last value counts
//   array    a list (a vector or a list, on the way out)
//   string   a string (also a symbol or a character, on the way out); half of a surrogate pair is U+FFFD
//   number   exact if it is written as an integer, otherwise a flonum
//   null     the symbol null
//
// Reading is strict: what is not JSON is a ReadError "line 2, column 5: expected ...". Both directions keep what
// is open in a vector, not on the stack, and refuse to nest deeper than kMaxDepth. It is a parser of its own, and not a
// library's, for the sake of those positions, of big integers, and of half surrogates, which models do write.
#include <cmath>
#include <string>
#include <vector>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/hash_table.h"
#include "lisp/text/strings.h"
#include "lisp/text/utf8.h"

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

Value json_to_value(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "json->value", arguments, 0, Type::kString, "a string")) return kRaised;
  return JsonReader(machine, arguments[0]).read();
}

constexpr BuiltinDefinition kBuiltins[] = {{"json->value", json_to_value, 1, 1}};

}  // namespace

void define_json_reader(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
