#include "lisp/reader.h"

#include "lisp/numbers.h"
#include "lisp/sources.h"
#include "lisp/unicode.h"
#include "lisp/utf8.h"

namespace heddle::lisp {

namespace {

// What peek() gives where there is no character. Both are above every code point.
constexpr u32 kEnd = 0xfffffffe;
constexpr u32 kBad = kNotUtf8;

struct Prefix {
  const char* text;
  const char* name;
};
constexpr Prefix kPrefixes[] = {{"'", "quote"}, {"`", "quasiquote"}, {",", "unquote"}, {",@", "unquote-splicing"}};

struct CharacterName {
  std::string_view name;
  u32 c;
};
constexpr CharacterName kCharacterNames[] = {
    {"alarm", 7}, {"backspace", 8}, {"delete", 0x7f}, {"escape", 0x1b}, {"newline", '\n'},
    {"nul", 0},   {"null", 0},      {"return", '\r'}, {"space", ' '},   {"tab", '\t'},
};

constexpr bool is_digit(u32 c) { return c >= '0' && c <= '9'; }

// A hexadecimal number of at least one digit, saturated above the code points; kBad if it is none.
u32 parse_hex(std::string_view digits) {
  if (digits.empty()) return kBad;
  u32 number = 0;
  for (const char digit : digits) {
    const u32 c = static_cast<u8>(digit);
    const u32 letter = c | 0x20;
    if (!is_digit(c) && (letter < 'a' || letter > 'f')) return kBad;
    number = number * 16 + (is_digit(c) ? c - '0' : letter - 'a' + 10);
    if (number > kMaxCodePoint) number = kMaxCodePoint + 1;
  }
  return number;
}

// Begins like a number: digits behind at most a sign and a point.
bool looks_numeric(std::string_view token) {
  std::size_t at = token[0] == '+' || token[0] == '-' ? 1 : 0;
  if (at < token.size() && token[at] == '.') ++at;
  return at < token.size() && is_digit(static_cast<u8>(token[at]));
}

std::string folded(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const Expansion expansion = full_foldcase(decode_utf8(text, at));
    for (u32 i = 0; i < expansion.count; ++i) append_utf8(result, expansion.chars[i]);
  }
  return result;
}

// A token in a message: its beginning is enough.
std::string quoted(std::string_view token) {
  constexpr std::size_t kLongest = 40;
  std::size_t end = token.size();
  if (end > kLongest) {
    end = kLongest;
    while ((static_cast<u8>(token[end]) & 0xc0) == 0x80) --end;
  }
  std::string text(token.substr(0, end));
  if (end < token.size()) text += "...";
  return text;
}

}  // namespace

Text Text::of(const String* string, u32 at) {
  const auto* bytes = as<Bytes>(string->bytes);
  return {bytes->data, string->length, at, string->is_wide() ? Form::kWide : Form::kLatin1};
}

Reader::Reader(Machine& machine, std::string_view utf8, u16 source)
    : machine_(machine), heap_(machine.heap()), text_(Text::utf8(utf8)), source_(source), is_program_(true) {
  if (utf8.starts_with("\xef\xbb\xbf")) text_.at = 3;
  if (utf8.substr(text_.at).starts_with("#!/") || utf8.substr(text_.at).starts_with("#! ")) {
    for (u32 c = peek(); c < kEnd && c != '\n'; c = peek()) advance();
  }
}

Reader::Reader(Machine& machine, const Text& text)
    : machine_(machine), heap_(machine.heap()), text_(text), is_program_(false), begin_(text.at) {}

Value Reader::read() {
  const u64 begin = text_.at;
  const Value datum = try_read();
  machine_.charge((text_.at - begin) / 16);
  if (datum != kRaised) return datum;
  if (failure_.no_room != 0) return machine_.heap_error("read", failure_.no_room);
  if (is_program_) {
    const Position position = {source_, packed_place(failure_.line, failure_.column)};
    return machine_.error_at(position, "SyntaxError", failure_.message);
  }
  return machine_.error("ReadError", "read: " + failure_.message + ", at " + place(failure_.line, failure_.column));
}

Value Reader::try_read() {
  frames_.clear();
  elements_.clear();
  labels_.clear();
  fixups_.clear();
  failure_ = {};
  for (;;) {
    Value datum;
    Step step = skip_blanks();
    if (step == Step::kAgain) step = scan(datum);
    if (step == Step::kDatum) step = deliver(datum);
    if (step == Step::kFailed) return kRaised;
    if (step != Step::kDone) continue;
    resolve();
    return datum;
  }
}

// --- Characters

// Of a text that is not UTF-8.
u32 Reader::unit(u64 index) const {
  if (text_.form == Text::Form::kLatin1) return static_cast<const u8*>(text_.data)[index];
  return static_cast<const u32*>(text_.data)[index];
}

u32 Reader::peek() {
  if (text_.at >= text_.size) return kEnd;
  next_ = text_.at + 1;
  if (text_.form != Text::Form::kUtf8) return unit(text_.at);
  std::size_t at = text_.at;
  const u32 c = decode_utf8({static_cast<const char*>(text_.data), static_cast<std::size_t>(text_.size)}, at);
  next_ = at;
  return c;
}

// Behind the character that the last peek() gave.
void Reader::advance() {
  const u32 c = peek();
  text_.at = next_;
  ++column_;
  if (c == '\n' || (c == '\r' && peek() != '\n')) {
    ++line_;
    column_ = 1;
  }
}

bool Reader::is_delimiter(u32 c) const {
  if (c < 0x80) return c <= ' ' || c == '(' || c == ')' || c == '"' || c == ';' || c == '|';
  return c >= kEnd || is_whitespace(c);
}

// To the next token; kAgain when there, or at the end.
Reader::Step Reader::skip_blanks() {
  for (;;) {
    const u32 c = peek();
    if (c < 0x80 ? c == ' ' || (c >= '\t' && c <= '\r') : c < kEnd && is_whitespace(c)) {
      advance();
    } else if (c == ';') {
      while (c < kEnd) {
        const u32 next = peek();
        if (next == '\n' || next == '\r' || next >= kEnd) break;
        advance();
      }
    } else {
      return Step::kAgain;
    }
  }
}

// Behind "#|".
Reader::Step Reader::skip_block_comment() {
  for (u64 depth = 1; depth > 0;) {
    const u32 c = peek();
    if (c == kBad) return fail("the text is not valid UTF-8");
    if (c == kEnd) return fail_unfinished("unclosed comment #|", start_line_, start_column_);
    advance();
    if (c == '|' && peek() == '#') {
      advance();
      --depth;
    } else if (c == '#' && peek() == '|') {
      advance();
      ++depth;
    }
  }
  return Step::kAgain;
}

// --- Tokens

Reader::Step Reader::scan(Value& datum) {
  start_line_ = line_;
  start_column_ = column_;
  const u32 c = peek();
  switch (c) {
    case kEnd:
      if (!frames_.empty()) return fail_open_frame();
      datum = kEof;
      return Step::kDone;
    case kBad: return fail("the text is not valid UTF-8");
    case '(': advance(); return open(Frame::Kind::kList);
    case ')': return close(datum);
    case '\'': advance(); return open(Frame::Kind::kPrefix, 0);
    case '`': advance(); return open(Frame::Kind::kPrefix, 1);
    case ',': {
      advance();
      if (peek() != '@') return open(Frame::Kind::kPrefix, 2);
      advance();
      return open(Frame::Kind::kPrefix, 3);
    }
    case '"': {
      advance();
      std::string text;
      if (const Step step = scan_quoted('"', text); step != Step::kDatum) return step;
      datum = heap_.string(text, is_program_);
      return Step::kDatum;
    }
    case '|': {
      advance();
      std::string text;
      if (const Step step = scan_quoted('|', text); step != Step::kDatum) return step;
      datum = heap_.symbol(text);
      return Step::kDatum;
    }
    case '#': advance(); return scan_hash(datum);
    case '[':
    case ']':
    case '{':
    case '}': return fail(std::string("unexpected ") + static_cast<char>(c) + ": lists are written with ( and )");
    default: take_token(); return scan_atom(datum);
  }
}

// Everything up to the next delimiter, as token_.
void Reader::take_token() {
  token_.clear();
  for (u32 c = peek(); !is_delimiter(c); c = peek()) {
    append_utf8(token_, c);
    advance();
  }
}

// Behind '#'.
Reader::Step Reader::scan_hash(Value& datum) {
  const u32 c = peek();
  switch (c) {
    case '(': advance(); return open(Frame::Kind::kVector, 0, Value::fixnum(static_cast<i64>(elements_.size())));
    case '\\': advance(); return scan_character(datum);
    case '|': advance(); return skip_block_comment();
    case ';': advance(); return open(Frame::Kind::kComment);
    case '!': advance(); return scan_directive();
    default: break;
  }
  if (is_digit(c)) return scan_label(datum);
  if (c == kEnd) return fail_unfinished("unfinished #", start_line_, start_column_);
  take_token();
  if (token_ == "u8" && peek() == '(') {
    advance();
    return open(Frame::Kind::kBytes, 0, Value::fixnum(static_cast<i64>(elements_.size())));
  }
  const std::string token = folded(token_);
  if (token == "t" || token == "true" || token == "f" || token == "false") {
    datum = Value::boolean(token[0] == 't');
    return Step::kDatum;
  }
  if (!token.empty() && std::string_view("bodxei").find(token[0]) != std::string_view::npos) {
    token_.insert(0, 1, '#');
    datum = parse_number(machine_, token_);
    if (datum == kRaised) return fail("the number " + quoted(token_) + " is too large");
    if (datum != kFalse) return Step::kDatum;
    return fail("malformed number " + quoted(token_));
  }
  return fail("unknown syntax #" + quoted(token_));
}

// Behind "#!".
Reader::Step Reader::scan_directive() {
  take_token();
  const std::string token = folded(token_);
  if (token == "fold-case" || token == "no-fold-case") {
    folds_case_ = token[0] == 'f';
    return Step::kAgain;
  }
  return fail("unknown directive #!" + quoted(token_));
}

// Behind '#', at a digit: #0= or #0#.
Reader::Step Reader::scan_label(Value& datum) {
  constexpr u64 kMaxLabel = u64{1} << 53;
  u64 label = 0;
  while (is_digit(peek())) {
    label = label * 10 + (peek() - '0');
    if (label > kMaxLabel) return fail("the number of a datum label is too large");
    advance();
  }
  const u32 c = peek();
  const auto found = labels_.find(label);
  if (c == '=') {
    advance();
    if (found != labels_.end()) return fail("the datum label #" + std::to_string(label) + "= is there twice");
    const Value number = Value::fixnum(static_cast<i64>(label));
    labels_[label] = heap_.box(kUndefined);
    return open(Frame::Kind::kLabel, 0, number);
  }
  if (c == '#') {
    advance();
    if (found == labels_.end()) return fail("the datum label #" + std::to_string(label) + "# is not defined");
    datum = found->second;
    return Step::kDatum;
  }
  if (c == kEnd) return fail_unfinished("unfinished datum label", start_line_, start_column_);
  return fail("unknown syntax #" + std::to_string(label));
}

// Behind "#\".
Reader::Step Reader::scan_character(Value& datum) {
  const u32 first = peek();
  if (first == kEnd) return fail_unfinished("unfinished character #\\", start_line_, start_column_);
  if (first == kBad) return fail("the text is not valid UTF-8");
  advance();
  take_token();
  if (token_.empty()) {
    datum = Value::character(first);
    return Step::kDatum;
  }
  if (first == 'x' || (first == 'X' && folds_case_)) {
    const u32 c = parse_hex(token_);
    if (c != kBad && !is_scalar_value(c)) return fail("#\\x" + quoted(token_) + " is no Unicode character");
    if (c != kBad) {
      datum = Value::character(c);
      return Step::kDatum;
    }
  }
  std::string name;
  append_utf8(name, first);
  name += token_;
  if (folds_case_) name = folded(name);
  for (const CharacterName& known : kCharacterNames) {
    if (known.name != name) continue;
    datum = Value::character(known.c);
    return Step::kDatum;
  }
  return fail("unknown character name #\\" + quoted(name));
}

// The inside of "..." or |...|, and its end.
Reader::Step Reader::scan_quoted(u32 quote, std::string& text) {
  for (;;) {
    const u32 c = peek();
    if (c == kBad) return fail("the text is not valid UTF-8");
    if (c == kEnd) {
      return fail_unfinished(quote == '"' ? "unclosed string" : "unclosed symbol |", start_line_, start_column_);
    }
    advance();
    if (c == quote) return Step::kDatum;
    if (c == '\\') {
      if (const Step step = scan_escape(quote, text); step == Step::kFailed) return step;
    } else if (c == '\r') {
      // Every end of a line is a newline in the datum.
      if (peek() == '\n') advance();
      text += '\n';
    } else {
      append_utf8(text, c);
    }
  }
}

// Behind a backslash in a string or symbol.
Reader::Step Reader::scan_escape(u32 quote, std::string& text) {
  const u32 line = line_;
  const u32 column = column_ - 1;
  const u32 c = peek();
  if (c >= kEnd) return Step::kAgain;  // scan_quoted() says it
  const auto is_blank = [](u32 c2) { return c2 == ' ' || c2 == '\t'; };
  if (quote == '"' && (is_blank(c) || c == '\n' || c == '\r')) {
    while (is_blank(peek())) advance();
    if (peek() == '\r') {
      advance();
      if (peek() == '\n') advance();
    } else if (peek() == '\n') {
      advance();
    } else if (peek() != kEnd) {
      start_line_ = line;
      start_column_ = column;
      return fail("a backslash before blanks must end its line");
    }
    while (is_blank(peek())) advance();
    return Step::kAgain;
  }
  advance();
  switch (c) {
    case 'a': text += '\a'; return Step::kAgain;
    case 'b': text += '\b'; return Step::kAgain;
    case 't': text += '\t'; return Step::kAgain;
    case 'n': text += '\n'; return Step::kAgain;
    case 'r': text += '\r'; return Step::kAgain;
    case '"':
    case '\\':
    case '|': text += static_cast<char>(c); return Step::kAgain;
    default: break;
  }
  std::string digits;
  if (c == 'x' || c == 'X') {
    while (peek() < 0x80 && peek() != ';' && peek() != quote) {
      digits += static_cast<char>(peek());
      advance();
      if (parse_hex(digits) == kBad) break;
    }
    if (peek() == kEnd && (digits.empty() || parse_hex(digits) != kBad)) return Step::kAgain;
    const u32 code = parse_hex(digits);
    if (peek() == ';' && code != kBad) {
      advance();
      if (is_scalar_value(code)) {
        append_utf8(text, code);
        return Step::kAgain;
      }
      start_line_ = line;
      start_column_ = column;
      return fail("\\x" + quoted(digits) + "; is no Unicode character");
    }
  }
  start_line_ = line;
  start_column_ = column;
  if (c == 'x' || c == 'X') return fail("malformed escape: \\x needs hexadecimal digits and a semicolon");
  std::string escape = "unknown escape \\";
  append_utf8(escape, c);
  return fail(escape);
}

// token_ is a number, a symbol or a dot.
Reader::Step Reader::scan_atom(Value& datum) {
  if (token_.empty()) return fail("unexpected character");  // a control character
  if (token_ == ".") return dot();
  const auto first = static_cast<u8>(token_[0]);
  if (is_digit(first) || first == '+' || first == '-' || first == '.') {
    datum = parse_number(machine_, token_);
    if (datum == kRaised) return fail("the number " + quoted(token_) + " is too large");
    if (datum != kFalse) return Step::kDatum;
    if (looks_numeric(token_) && token_ != "1+" && token_ != "-1+") return fail("malformed number " + quoted(token_));
  }
  for (const char c : token_) {
    if (std::string_view("'`,[]{}\\\x7f").find(c) == std::string_view::npos) continue;
    return fail(std::string("unexpected ") + (c == 0x7f ? "control character" : std::string(1, c)) + " in " +
                quoted(token_));
  }
  datum = heap_.symbol(folds_case_ ? folded(token_) : token_);
  return Step::kDatum;
}

// --- What is open

Reader::Step Reader::open(Frame::Kind kind, u8 prefix, Value head) {
  if (!has_room()) return Step::kFailed;
  Frame& frame = frames_.emplace_back();
  frame.kind = kind;
  frame.prefix = prefix;
  frame.line = start_line_;
  frame.column = static_cast<u16>(start_column_ < kMaxColumn ? start_column_ : kMaxColumn);
  frame.head = head;
  frame.tail = kNil;
  return Step::kAgain;
}

// At ')'.
Reader::Step Reader::close(Value& datum) {
  if (frames_.empty()) return fail("unexpected )");
  Frame& frame = frames_.back();
  switch (frame.kind) {
    case Frame::Kind::kPrefix:
    case Frame::Kind::kComment:
    case Frame::Kind::kLabel: return fail_open_frame();
    case Frame::Kind::kDotted: return fail("nothing behind the dot");
    case Frame::Kind::kList:
    case Frame::Kind::kClosing: datum = frame.head; break;
    case Frame::Kind::kVector:
    case Frame::Kind::kBytes: {
      const auto begin = static_cast<std::size_t>(frame.head.to_fixnum());
      const u32 count = static_cast<u32>(elements_.size() - begin);
      if (frame.kind == Frame::Kind::kVector) {
        datum = heap_.vector(count, kUnspecified);
        auto* vector = as<Vector>(datum);
        vector->aux = is_program_ ? 1 : 0;
        for (u32 i = 0; i < count; ++i) {
          vector->items[i] = elements_[begin + i];
          hold(vector, i, vector->items[i]);
        }
      } else {
        datum = heap_.bytes(count);
        for (u32 i = 0; i < count; ++i) as<Bytes>(datum)->data[i] = static_cast<u8>(elements_[begin + i].to_fixnum());
      }
      elements_.resize(begin);
      break;
    }
  }
  advance();
  frames_.pop_back();
  return Step::kDatum;
}

// At a token that is a lone dot.
Reader::Step Reader::dot() {
  if (frames_.empty() || frames_.back().kind != Frame::Kind::kList) return fail("unexpected dot");
  if (frames_.back().head.is_nil()) return fail("nothing before the dot");
  frames_.back().kind = Frame::Kind::kDotted;
  return Step::kAgain;
}

// A datum is complete: gives it to what is open around it. kDone: it was the outermost.
Reader::Step Reader::deliver(Value& datum) {
  if (!has_room()) return Step::kFailed;
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    switch (frame.kind) {
      case Frame::Kind::kComment: frames_.pop_back(); return Step::kAgain;
      case Frame::Kind::kPrefix: {
        const Value rest = heap_.cons(datum, kNil);
        hold(rest.to_object(), 0, datum);
        datum = listed(frame, heap_.symbol(kPrefixes[frame.prefix].name), rest);
        frames_.pop_back();
        break;
      }
      case Frame::Kind::kLabel: {
        Value& known = labels_[static_cast<u64>(frame.head.to_fixnum())];
        if (datum == known) return fail("a datum label that stands for itself");
        as<Box>(known)->value = datum;
        known = datum;
        frames_.pop_back();
        break;
      }
      default: return append(frame, datum);
    }
  }
  return Step::kDone;
}

// To a list, vector or bytevector.
Reader::Step Reader::append(Frame& frame, Value datum) {
  switch (frame.kind) {
    case Frame::Kind::kVector: elements_.push_back(datum); return Step::kAgain;
    case Frame::Kind::kBytes:
      if (!datum.is_fixnum() || datum.to_fixnum() < 0 || datum.to_fixnum() > 255) {
        return fail("an element of a bytevector must be an integer from 0 to 255");
      }
      elements_.push_back(datum);
      return Step::kAgain;
    case Frame::Kind::kDotted:
      frame.tail.to_pair()->cdr = datum;
      hold(frame.tail.to_object(), 1, datum);
      frame.kind = Frame::Kind::kClosing;
      return Step::kAgain;
    case Frame::Kind::kClosing: return fail("more than one datum behind the dot");
    default: break;
  }
  Value pair;
  if (frame.head.is_nil()) {
    pair = frame.head = listed(frame, datum, kNil);
  } else {
    pair = heap_.cons(datum, kNil);
    frame.tail.to_pair()->cdr = pair;
  }
  hold(pair.to_object(), 0, datum);
  frame.tail = pair;
  return Step::kAgain;
}

// The first pair of a form, with the place where the form begins.
Value Reader::listed(const Frame& frame, Value first, Value rest) {
  const Value pair = heap_.cons(first, rest);
  if (source_ != 0) {
    pair.to_pair()->aux = source_;
    pair.to_pair()->length = packed_place(frame.line, frame.column);
  }
  return pair;
}

// --- Datum labels

// A reference that stands for a datum which is not complete: resolve() puts the datum there.
void Reader::hold(Object* object, u32 index, Value datum) {
  if (is_a(datum, Type::kBox)) fixups_.push_back({object, index});
}

void Reader::resolve() {
  for (const Fixup& fixup : fixups_) {
    auto* pair = static_cast<Pair*>(fixup.object);
    Value& field = fixup.object->type == Type::kVector ? static_cast<Vector*>(fixup.object)->items[fixup.index]
                   : fixup.index == 0                  ? pair->car
                                                       : pair->cdr;
    // A label may stand for a reference to an outer one.
    while (is_a(field, Type::kBox)) field = as<Box>(field)->value;
  }
}

// --- Failures

// What is open lies outside the heap, but counts against its limit: asked before it grows.
bool Reader::has_room() {
  u64 bytes = 64;
  if (frames_.size() == frames_.capacity()) bytes += 2 * frames_.size() * sizeof(Frame);
  if (elements_.size() == elements_.capacity()) bytes += 2 * elements_.size() * sizeof(Value);
  if (heap_.has_room(bytes)) return true;
  failure_.no_room = bytes;
  return false;
}

// At the token that was begun last.
Reader::Step Reader::fail(std::string message) {
  failure_.message = std::move(message);
  const bool is_encoding = peek() == kBad;
  failure_.line = is_encoding ? line_ : start_line_;
  failure_.column = is_encoding ? column_ : start_column_;
  return Step::kFailed;
}

// At the end of the text: what began there is not finished.
Reader::Step Reader::fail_unfinished(std::string_view what, u32 line, u32 column) {
  failure_.message = std::string(what) + ", opened at " + place(line, column);
  failure_.line = line_;
  failure_.column = column_;
  failure_.is_incomplete = true;
  return Step::kFailed;
}

// At the end of the text or at a ')': the innermost frame waits for something.
Reader::Step Reader::fail_open_frame() {
  const Frame& frame = frames_.back();
  std::string what;
  switch (frame.kind) {
    case Frame::Kind::kVector: what = "unclosed vector"; break;
    case Frame::Kind::kBytes: what = "unclosed bytevector"; break;
    case Frame::Kind::kPrefix: what = std::string("nothing behind ") + kPrefixes[frame.prefix].text; break;
    case Frame::Kind::kComment: what = "nothing behind #;"; break;
    case Frame::Kind::kLabel: what = "nothing behind #" + std::to_string(frame.head.to_fixnum()) + "="; break;
    default: what = "unclosed list"; break;
  }
  if (peek() == kEnd) return fail_unfinished(what, frame.line, frame.column);
  return fail(what);
}

// What a port has read before counts, too; it is looked at only here.
std::string Reader::place(u32 line, u32 column) const {
  u32 lines = 0;
  u64 line_begin = 0;
  for (u64 i = 0; i < begin_; ++i) {
    if (unit(i) != '\n' && (unit(i) != '\r' || (i + 1 < begin_ && unit(i + 1) == '\n'))) continue;
    ++lines;
    line_begin = i + 1;
  }
  machine_.charge(begin_ / 16);
  if (line == 1) column += static_cast<u32>(begin_ - line_begin);
  line += lines;
  return machine_.sources().place(source_, packed_place(line, column));
}

Completeness completeness(Machine& machine, std::string_view utf8) {
  Reader reader(machine, utf8, 0);
  for (;;) {
    const Value datum = reader.try_read();
    if (datum == kEof) return Completeness::kComplete;
    if (datum != kRaised) continue;
    return reader.failure().is_incomplete ? Completeness::kIncomplete : Completeness::kWrong;
  }
}

}  // namespace heddle::lisp
