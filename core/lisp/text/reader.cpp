// The reader's upper half: what has parts, datum labels, failures. Characters and tokens: reader_tokens.cpp.
#include "lisp/text/reader.h"

#include "lisp/text/sources.h"

namespace heddle::lisp {

namespace {

struct Prefix {
  const char* text;
  const char* name;
};
constexpr Prefix kPrefixes[] = {{"'", "quote"}, {"`", "quasiquote"}, {",", "unquote"}, {",@", "unquote-splicing"}};

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
