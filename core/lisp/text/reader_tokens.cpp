// The reader's lower half: characters, blanks and comments, and what is read in one go: numbers, names, strings,
// characters, directives, datum labels. What has parts is reader.cpp's.
#include "lisp/numbers/numbers.h"
#include "lisp/text/reader.h"
#include "lisp/text/unicode.h"

namespace heddle::lisp {

namespace {

struct CharacterName {
  std::string_view name;
  u32 c;
};
constexpr CharacterName kCharacterNames[] = {
    {"alarm", 7}, {"backspace", 8}, {"delete", 0x7f}, {"escape", 0x1b}, {"newline", '\n'},
    {"nul", 0},   {"null", 0},      {"return", '\r'}, {"space", ' '},   {"tab", '\t'},
};

constexpr u32 kNoNumber = UINT32_MAX;

constexpr bool is_digit(u32 c) { return c >= '0' && c <= '9'; }

// A hexadecimal number of at least one digit, saturated above the code points; kNoNumber if it is none.
u32 parse_hex(std::string_view digits) {
  if (digits.empty()) return kNoNumber;
  u32 number = 0;
  for (const char digit : digits) {
    const u32 c = static_cast<u8>(digit);
    const u32 letter = c | 0x20;
    if (!is_digit(c) && (letter < 'a' || letter > 'f')) return kNoNumber;
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
    if (c != kNoNumber && !is_scalar_value(c)) return fail("#\\x" + quoted(token_) + " is no Unicode character");
    if (c != kNoNumber) {
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
      if (parse_hex(digits) == kNoNumber) break;
    }
    if (peek() == kEnd && (digits.empty() || parse_hex(digits) != kNoNumber)) return Step::kAgain;
    const u32 code = parse_hex(digits);
    if (peek() == ';' && code != kNoNumber) {
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

}  // namespace heddle::lisp
