#include "lisp/text/printer.h"

#include <algorithm>
#include <vector>

#include "lisp/compiler/code.h"
#include "lisp/numbers/numbers.h"
#include "lisp/text/strings.h"
#include "lisp/text/unicode.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {

namespace {

// Whether the printer goes into a value, so that it can be part of a cycle.
bool has_parts(Value value) {
  if (value.is_pair()) return true;
  if (!value.is_object()) return false;
  switch (value.to_object()->type) {
    case Type::kVector:
    case Type::kValues:
    case Type::kRecord: return value.to_object()->length != 0;
    case Type::kCondition: return true;
    default: return false;
  }
}

// The parts of such a value, in the order of printing.
u32 count_parts(Value value) {
  return value.is_pair() ? 2 : is_a(value, Type::kCondition) ? 1 : value.to_object()->length;
}

Value part(Value value, u32 index) {
  if (value.is_pair()) return index == 0 ? car(value) : cdr(value);
  switch (value.to_object()->type) {
    case Type::kRecord: return as<Record>(value)->fields[index];
    case Type::kCondition: return as<Condition>(value)->irritants;
    default: return as<Vector>(value)->items[index];  // Values are laid out alike
  }
}

// What is known of the objects of a datum: open addressing by address, never iterated.
class Notes {
 public:
  u32& operator[](Value value) {
    if (2 * count_ >= places_.size()) grow();
    Place& place = find(value.bits());
    if (place.key == 0) {
      place.key = value.bits();
      ++count_;
    }
    return place.note;
  }
  bool is_empty() const { return count_ == 0; }

 private:
  struct Place {
    u64 key = 0;
    u32 note = 0;
  };

  Place& find(u64 key) {
    const u64 mask = places_.size() - 1;
    u64 at = (key * 0x9e3779b97f4a7c15) >> 32 & mask;
    while (places_[at].key != 0 && places_[at].key != key) at = (at + 1) & mask;
    return places_[at];
  }
  void grow() {
    std::vector<Place> old(std::max<std::size_t>(64, 2 * places_.size()));
    old.swap(places_);
    for (const Place& place : old) {
      if (place.key != 0) find(place.key) = place;
    }
  }

  std::vector<Place> places_;
  u64 count_ = 0;
};

// Notes of an object.
constexpr u32 kUnseen = 0;
constexpr u32 kOpen = 1;      // the search is inside it
constexpr u32 kDone = 2;      // the search was there
constexpr u32 kWanted = 3;    // needs a label
constexpr u32 kLabelled = 4;  // has one: the number is note - kLabelled

class Printer {
 public:
  Printer(std::string& out, Style style, u64 limit) : out_(out), style_(style), end_(out.size() + limit) {}

  bool print(Value value);

 private:
  struct Frame {
    Value value;
    u32 index;
  };

  bool is_small_tree(Value value);
  void find_labels(Value value);
  bool print_label(Value value);
  void begin(Value value);
  bool go_on();
  bool go_on_list(Frame& frame);
  void print_object(Value value);
  void print_procedure(Value name);
  void print_immediate(Value value);
  void print_character(u32 c);
  void print_string(const String* string);
  void print_symbol(const Symbol* symbol);
  void print_bytes(const Bytes* bytes);
  void print_escaped(const String* text, char quote);
  void print_hex(u32 number);
  bool is_full() const { return out_.size() > end_; }

  std::string& out_;
  Style style_;
  u64 end_;
  u32 labels_ = 0;
  Notes notes_;
  std::vector<Frame> frames_;
};

bool Printer::print(Value value) {
  if (style_ == Style::kWriteShared || (style_ != Style::kWriteSimple && !is_small_tree(value))) find_labels(value);
  begin(value);
  while (!frames_.empty() && !is_full()) {
    if (!go_on()) frames_.pop_back();
  }
  return !is_full();
}

// A walk that ends after few steps has met no cycle: most data need no notes.
bool Printer::is_small_tree(Value value) {
  constexpr u32 kSteps = 200;
  if (!has_parts(value)) return true;
  u32 steps = 0;
  frames_.push_back({value, 0});
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.index == count_parts(frame.value)) {
      frames_.pop_back();
      continue;
    }
    if (++steps > kSteps) break;
    const Value next = part(frame.value, frame.index++);
    if (has_parts(next)) frames_.push_back({next, 0});
  }
  frames_.clear();
  return steps <= kSteps;
}

// Depth first, in the order of printing: what is met again while it is open closes a cycle.
void Printer::find_labels(Value value) {
  if (!has_parts(value)) return;
  notes_[value] = kOpen;
  frames_.push_back({value, 0});
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.index == count_parts(frame.value)) {
      u32& note = notes_[frame.value];
      if (note == kOpen) note = kDone;
      frames_.pop_back();
      continue;
    }
    const Value next = part(frame.value, frame.index++);
    if (!has_parts(next)) continue;
    u32& note = notes_[next];
    if (note == kUnseen) {
      note = kOpen;
      frames_.push_back({next, 0});
    } else if (note == kOpen || style_ == Style::kWriteShared) {
      note = kWanted;
    }
  }
}

// True: the value was printed by a reference to its label. Else its label, if it needs one, stands before it now.
bool Printer::print_label(Value value) {
  if (notes_.is_empty()) return false;
  u32& note = notes_[value];
  if (note < kWanted) return false;
  const bool is_reference = note >= kLabelled;
  if (!is_reference) note = kLabelled + labels_++;
  out_ += '#';
  out_ += std::to_string(note - kLabelled);
  out_ += is_reference ? '#' : '=';
  return is_reference;
}

// Prints a value, or its beginning: the rest is what go_on() does.
void Printer::begin(Value value) {
  if (value.is_fixnum()) {
    out_ += number_to_string(value);
    return;
  }
  if (value.is_immediate()) return print_immediate(value);
  if (value.is_closure()) return print_procedure(as<Code>(value.to_closure()->code)->name);
  if (!has_parts(value)) return print_object(value);
  if (print_label(value)) return;
  frames_.push_back({value, 0});
  if (value.is_pair()) {
    out_ += '(';
    return;
  }
  switch (value.to_object()->type) {
    case Type::kVector: out_ += "#("; return;
    case Type::kValues: out_ += "#<values "; return;
    case Type::kRecord:
      out_ += "#<";
      append_text(out_, as<String>(as<Symbol>(as<RecordType>(as<Record>(value)->type)->name)->name));
      return;
    default: {  // a condition
      const auto* condition = as<Condition>(value);
      out_ += "#<condition ";
      append_text(out_, as<String>(as<Symbol>(condition->code)->name));
      out_ += ": ";
      if (is_string(condition->message)) append_text(out_, as<String>(condition->message));
      return;
    }
  }
}

// The next part of the innermost value that is open; false: it is closed.
bool Printer::go_on() {
  Frame& frame = frames_.back();
  if (frame.value.is_pair()) return go_on_list(frame);
  Object* object = frame.value.to_object();
  if (frame.index == count_parts(frame.value)) {
    out_ += object->type == Type::kVector ? ')' : '>';
    return false;
  }
  const u32 index = frame.index++;
  const Value next = part(frame.value, index);
  if (object->type == Type::kRecord) {
    out_ += ' ';
    const auto* names = as<Vector>(as<RecordType>(static_cast<Record*>(object)->type)->fields);
    append_text(out_, as<String>(as<Symbol>(names->items[index])->name));
    out_ += '=';
  } else if (object->type == Type::kCondition) {
    if (next.is_nil()) return true;
    out_ += ' ';
  } else if (index != 0) {
    out_ += ' ';
  }
  begin(next);
  return true;
}

// index 0: at the car; 1: behind it; 2: behind a tail that is no list.
bool Printer::go_on_list(Frame& frame) {
  if (frame.index == 1) {
    const Value rest = cdr(frame.value);
    if (rest.is_pair() && (notes_.is_empty() || notes_[rest] < kWanted)) {
      out_ += ' ';
      frame = {rest, 0};
    } else if (!rest.is_nil()) {
      out_ += " . ";
      frame.index = 2;
      begin(rest);
      return true;
    }
  }
  if (frame.index != 0) {
    out_ += ')';
    return false;
  }
  frame.index = 1;
  begin(car(frame.value));
  return true;
}

void Printer::print_immediate(Value value) {
  switch (static_cast<Immediate>(value.bits() >> 3 & 0x1f)) {
    case Immediate::kFalse: out_ += "#f"; return;
    case Immediate::kTrue: out_ += "#t"; return;
    case Immediate::kNil: out_ += "()"; return;
    case Immediate::kEof: out_ += "#<eof>"; return;
    case Immediate::kUnspecified: out_ += "#<unspecified>"; return;
    case Immediate::kChar: print_character(value.to_char()); return;
    default: out_ += "#<undefined>"; return;
  }
}

void Printer::print_procedure(Value name) {
  out_ += "#<procedure";
  if (is_symbol(name)) {
    out_ += ' ';
    append_text(out_, as<String>(as<Symbol>(name)->name));
  }
  out_ += '>';
}

// Without parts that could be part of a cycle.
void Printer::print_object(Value value) {
  const Object* object = value.to_object();
  const auto named = [this](std::string_view kind, Value name) {
    out_ += "#<";
    out_ += kind;
    if (is_symbol(name)) name = as<Symbol>(name)->name;
    if (is_string(name)) {
      out_ += ' ';
      append_text(out_, as<String>(name));
    }
    out_ += '>';
  };
  switch (object->type) {
    case Type::kSymbol: return print_symbol(as<Symbol>(value));
    case Type::kString: return print_string(as<String>(value));
    case Type::kBytes: return print_bytes(as<Bytes>(value));
    case Type::kFlonum:
    case Type::kBignum:
    case Type::kRatnum: out_ += number_to_string(value); return;
    case Type::kVector: out_ += "#()"; return;
    case Type::kValues: out_ += "#<values>"; return;
    case Type::kBuiltin: return print_procedure(as<Builtin>(value)->name);
    case Type::kHostProcedure: return print_procedure(as<HostProcedure>(value)->name);
    case Type::kContinuation: return named("continuation", kFalse);
    case Type::kParameter: return named("parameter", kFalse);
    case Type::kPromise: return named("promise", kFalse);
    case Type::kRecordType: return named("record-type", as<RecordType>(value)->name);
    case Type::kRecord: return named({}, as<RecordType>(as<Record>(value)->type)->name);
    case Type::kHashTable: return named("hash-table", kFalse);
    case Type::kPort: return named("port", kFalse);
    case Type::kEnvironment: return named("environment", kFalse);
    case Type::kLibrary: return named("library", kFalse);
    case Type::kMacro:
    case Type::kSpecial: return named("syntax", kFalse);
    case Type::kSync: {
      static constexpr const char* kKinds[] = {"", "mutex", "semaphore", "ivar", "channel", "barrier", "mailbox"};
      const auto& sync = *as<SyncReference>(value);
      return named(std::string(kKinds[sync.aux]) + " " + std::to_string(sync.seq), sync.name);
    }
    case Type::kFiber:
      out_ += "#<fiber ";
      out_ += std::to_string(as<Fiber>(value)->seq);
      out_ += '>';
      return;
    case Type::kAlias: {
      Value name = value;
      while (is_a(name, Type::kAlias)) name = as<Alias>(name)->name;
      return begin(name);
    }
    default: return named("object", kFalse);  // of the machine's inside: no program sees one
  }
}

// --- Text

void Printer::print_hex(u32 number) {
  u32 shift = 28;
  while (shift > 0 && number >> shift == 0) shift -= 4;
  for (;; shift -= 4) {
    out_ += "0123456789abcdef"[number >> shift & 15];
    if (shift == 0) return;
  }
}

void Printer::print_character(u32 c) {
  if (style_ == Style::kDisplay) return append_utf8(out_, c);
  out_ += "#\\";
  switch (c) {
    case 0: out_ += "null"; return;
    case 7: out_ += "alarm"; return;
    case 8: out_ += "backspace"; return;
    case '\t': out_ += "tab"; return;
    case '\n': out_ += "newline"; return;
    case '\r': out_ += "return"; return;
    case 0x1b: out_ += "escape"; return;
    case ' ': out_ += "space"; return;
    case 0x7f: out_ += "delete"; return;
    default: break;
  }
  if (c > ' ' && (c < 0x7f || c > 0xa0) && !is_whitespace(c)) return append_utf8(out_, c);
  out_ += 'x';
  print_hex(c);
}

void Printer::print_string(const String* string) {
  if (style_ == Style::kDisplay) {
    append_text(out_, string);
  } else {
    print_escaped(string, '"');
  }
}

void Printer::print_escaped(const String* text, char quote) {
  out_ += quote;
  for (u32 i = 0; i < text->length && !is_full(); ++i) {
    const u32 c = char_at(text, i);
    if (c == static_cast<u8>(quote) || c == '\\') {
      out_ += '\\';
      out_ += static_cast<char>(c);
    } else if (c >= 7 && c <= 13 && c != 11 && c != 12) {
      out_ += '\\';
      out_ += "abtn  r"[c - 7];
    } else if (c < ' ' || c == 0x7f) {
      out_ += "\\x";
      print_hex(c);
      out_ += ';';
    } else {
      append_utf8(out_, c);
    }
  }
  out_ += quote;
}

// Whether the reader takes that name, without bars, for this symbol.
bool is_plain(const String* name) {
  if (name->length == 0) return false;
  for (u32 i = 0; i < name->length; ++i) {
    const u32 c = char_at(name, i);
    if (c < 0x80 ? c <= ' ' || c == 0x7f ||
                       std::string_view("()\";|'`,[]{}\\").find(static_cast<char>(c)) != std::string_view::npos
                 : is_whitespace(c)) {
      return false;
    }
  }
  u32 at = 0;
  const auto next = [&] { return at < name->length ? char_at(name, at) : 0; };
  // At the beginning of a text the latter is a byte order mark.
  if (next() == '#' || next() == 0xfeff) return false;
  const bool has_sign = next() == '+' || next() == '-';
  if (has_sign) ++at;
  if (next() == '1' && at + 2 == name->length && char_at(name, at + 1) == '+')
    return at == 0 || char_at(name, 0) == '-';
  if (next() == '.') ++at;
  if (at == name->length) return has_sign && at == 1;  // "." is no symbol; neither are "+." and "-."
  if (next() >= '0' && next() <= '9') return false;
  // +inf.0 -inf.0 +nan.0 -nan.0, in any case.
  if (!has_sign || name->length != 6 || at != 1) return true;
  std::string word;
  for (u32 i = 1; i < 6; ++i) append_utf8(word, downcase(char_at(name, i)));
  return word != "inf.0" && word != "nan.0";
}

void Printer::print_symbol(const Symbol* symbol) {
  const auto* name = as<String>(symbol->name);
  if (style_ == Style::kDisplay || is_plain(name)) {
    append_text(out_, name);
  } else {
    print_escaped(name, '|');
  }
}

void Printer::print_bytes(const Bytes* bytes) {
  out_ += "#u8(";
  for (u32 i = 0; i < bytes->length && !is_full(); ++i) {
    if (i != 0) out_ += ' ';
    out_ += std::to_string(bytes->data[i]);
  }
  out_ += ')';
}

}  // namespace

bool print(std::string& out, Value value, Style style, u64 limit) { return Printer(out, style, limit).print(value); }

bool print(Machine& machine, std::string_view procedure, std::string& out, Value value, Style style) {
  const u64 before = out.size();
  // The same whatever the heap holds just now: so many steps does it take.
  const u64 limit = std::min(kLongestOutput, machine.heap().limit() / 4);
  const bool is_whole = print(out, value, style, limit);
  machine.charge((out.size() - before) / 8);
  if (is_whole && machine.heap().has_room(out.size() - before)) return true;
  if (is_whole) {
    machine.heap_error(procedure, out.size() - before);
  } else {
    machine.error("HeapLimit",
                  std::string(procedure) + ": the text is longer than " + std::to_string(limit) + " bytes");
  }
  return false;
}

std::string written(Value value) {
  std::string out;
  print(out, value, Style::kWrite);
  return out;
}

std::string displayed(Value value) {
  std::string out;
  print(out, value, Style::kDisplay);
  return out;
}

std::string shown(Value value) {
  constexpr u64 kLength = 80;
  std::string out;
  print(out, value, Style::kWriteSimple, kLength);
  u64 count = 0;
  for (std::size_t at = 0; at < out.size(); ++count) {
    if (count == kLength) return out.substr(0, at) + "...";
    decode_utf8(out, at);
  }
  return out;
}

}  // namespace heddle::lisp
