// The reader: text to data, all of R7RS 2 and 7.1 but complex numbers.
//
// Positions: the first pair of each list, and of each quote form, carries the place of its parenthesis or quote mark in
// its header (object.h), if the text has a number (sources.h). Strings and vectors of a program are literals, so
// immutable; those that `read` makes are not.
//
// Depth is bounded by the heap's limit only: what is open stands on a work list, and nothing here recurses.
//
// Beyond R7RS: White_Space of all Unicode separates, a first line that begins with "#!/" or "#! " is a comment, 1+ and
// -1+ are symbols, and so is anything else that is not a number but does not begin like one. Refused: [ ] { }, text
// that is not UTF-8 (in a program a silent U+FFFD could make two names equal), complex numbers.
//
// Partner: printer.h, whose `written` reads back as an equal datum.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lisp/machine.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {

// Text in one of the forms that it has in memory; `at` counts units (bytes, or 32-bit words).
struct Text {
  enum class Form : u8 { kUtf8, kLatin1, kWide };

  static Text utf8(std::string_view text) { return {text.data(), text.size(), 0, Form::kUtf8}; }
  // The characters of a String, which must not change while they are read.
  static Text of(const String* string, u32 at = 0);

  const void* data = nullptr;
  u64 size = 0;
  u64 at = 0;
  Form form = Form::kUtf8;
};

// Why a text is no datum.
struct ReadFailure {
  std::string message;  // "unclosed list, opened at file:3:5"
  u32 line = 0;         // where it was noticed
  u32 column = 0;
  bool is_incomplete = false;  // more text could make a datum of it
  u64 no_room = 0;             // not the text's fault: so many bytes are not there under the heap's limit
};

class Reader {
 public:
  // A program's text: what is wrong raises SyntaxError with its place as the condition's position.
  Reader(Machine& machine, std::string_view utf8, u16 source);
  // The rest of a port's text: what is wrong raises ReadError, whose message says where ("input:line:column", counted
  // from the beginning of `text`, not from text.at).
  Reader(Machine& machine, const Text& text);

  // The next datum, kEof, or kRaised. After kRaised the rest of the text means nothing.
  Value read();

  // The same, but raises nothing: kRaised says that failure() has the reason.
  Value try_read();
  const ReadFailure& failure() const { return failure_; }

  // Where the next datum would be looked for, as Text::at.
  u64 at() const { return text_.at; }
  // The state of #!fold-case.
  bool folds_case() const { return folds_case_; }
  void set_folds_case(bool folds) { folds_case_ = folds; }

 private:
  // What is open, outermost first.
  struct Frame {
    enum class Kind : u8 { kList, kDotted, kClosing, kVector, kBytes, kPrefix, kComment, kLabel };

    Kind kind;
    u8 prefix = 0;  // kPrefix: which one, as an index into kPrefixes
    u16 column;
    u32 line;
    Value head;  // lists: the first pair, or (); kVector, kBytes: where in elements_ they begin; kLabel: the number
    Value tail;  // lists: the last pair
  };
  // Where a reference to a datum that was not complete yet stands: a field of a pair (index 0, 1) or of a vector.
  struct Fixup {
    Object* object;
    u32 index;
  };
  enum class Step : u8 { kAgain, kDatum, kDone, kFailed };
  // What peek() gives where there is no character. Both are above every code point.
  static constexpr u32 kEnd = 0xfffffffe;
  static constexpr u32 kBad = kNotUtf8;

  u32 unit(u64 index) const;
  u32 peek();
  void advance();
  bool is_delimiter(u32 c) const;
  Step skip_blanks();
  Step skip_block_comment();
  Step scan(Value& datum);
  Step scan_hash(Value& datum);
  Step scan_directive();
  Step scan_label(Value& datum);
  Step scan_character(Value& datum);
  Step scan_quoted(u32 quote, std::string& text);
  Step scan_escape(u32 quote, std::string& text);
  Step scan_atom(Value& datum);
  void take_token();
  Step open(Frame::Kind kind, u8 prefix = 0, Value head = kNil);
  Step close(Value& datum);
  Step dot();
  Step deliver(Value& datum);
  Step append(Frame& frame, Value datum);
  void hold(Object* object, u32 index, Value datum);
  void resolve();
  bool has_room();

  Step fail(std::string message);
  Step fail_unfinished(std::string_view what, u32 line, u32 column);
  Step fail_open_frame();
  std::string place(u32 line, u32 column) const;
  Value listed(const Frame& frame, Value first, Value rest);

  Machine& machine_;
  Heap& heap_;
  Text text_;
  u16 source_ = 0;
  bool is_program_;
  bool folds_case_ = false;
  u32 line_ = 1;
  u32 column_ = 1;
  u32 start_line_ = 1;  // of the token that is read
  u32 start_column_ = 1;
  u64 begin_ = 0;  // where reading began; lines and columns count from there until place() says one
  u64 next_ = 0;   // behind the character that peek() gave
  std::string token_;
  std::vector<Frame> frames_;
  std::vector<Value> elements_;  // of the vectors and bytevectors that are open
  std::map<u64, Value> labels_;  // the datum, or a Box that stands for it until it is complete
  std::vector<Fixup> fixups_;
  ReadFailure failure_;
};

enum class Completeness : u8 {
  kComplete,    // zero or more whole data
  kIncomplete,  // what is there is right, but something is open: more text may close it
  kWrong,       // no text behind it makes it right
};
Completeness completeness(Machine& machine, std::string_view utf8);

}  // namespace heddle::lisp
