// Values as bytes, between the Lisp and its host: little-endian and unaligned, a tag byte first. Partners:
// js/src/lisp/wire.ts, encoder.ts and decoder.ts.
//
//   tag            after it                                  into Lisp                       out of Lisp
//   0 null                                                   the symbol null                 the symbol null
//   1, 2                                                     #f, #t                          the same
//   3 undefined                                              unspecified                     unspecified
//   4 integer      f64, a safe integer                       exact integer                   exact integer below 2^53
//   5 real         f64                                       flonum                          flonum
//   6 big          u32 bytes, decimal ASCII                  exact integer                   other exact integer
//   7 text         u32 bytes, UTF-8                          string                          string, symbol, character
//   8 list         u32 count, values                         list                            list, vector, values
//   9 table        u32 count, pairs of text (no tag), value  hash table, equal?, in order    keys: strings, symbols
//   10 task        u32 fiber, u32 seq                        the task                        a task
//   11 end                                                   the eof object                  the eof object
//   12 bytes       u32 bytes                                 bytevector                      bytevector
//   13 error       six values: code, message, position,      condition                       condition
//                  backtrace, irritants, payload; u32 number
//                  of the host's error, or 0
//
// What cannot cross (ratios, procedures, promises, records, light fibers, dotted and circular lists) is refused with
// its path, as `result[2].name`. Neither direction recurses over data; both have limits on depth and size.
#pragma once

#include <string>
#include <string_view>

#include "lisp/machine.h"

namespace heddle::lisp {

// The longest form of a value, in bytes, and the deepest.
constexpr u64 kMaxWire = u64{1} << 28;
constexpr u32 kMaxWireDepth = 100'000;

// Object::length of a Condition: the number under which the host knows the error that it stands for, or 0.

// Fiber::aux: it is a task, which the host knows.
constexpr u16 kFiberIsTask = 0x100;

// Finds the task that a host names; kUndefined: none.
using TaskFinder = Value (*)(void* context, u32 fiber, u32 seq);

class WireReader {
 public:
  WireReader(Machine& machine, std::string_view bytes, TaskFinder find_task = nullptr, void* context = nullptr)
      : machine_(machine), bytes_(bytes), find_task_(find_task), context_(context) {}

  // The next value; kRaised: the bytes are malformed, or there is no room for what they say. Nothing is raised.
  Value value();
  // The head of a list; false: it is none.
  bool list(u32& count);
  // A string as it stands there.
  bool text(std::string_view& text);
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  bool number(u32& out);
  bool real(double& out);
  bool bytes(std::string_view& out);
  bool scalar(u8 tag, Value& out);

  Machine& machine_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  TaskFinder find_task_;
  void* context_;
};

class WireWriter {
 public:
  explicit WireWriter(Machine& machine) : machine_(machine) {}

  // Appends a value to `out`. False: it cannot cross, `out` is as it was, path() and problem() say why. `root` is its
  // name in paths.
  bool value(std::string& out, Value value, std::string_view root);
  // Appends what was raised, whatever it is: what cannot cross in it is written as text.
  // `places`: where it was raised, if it is no condition (Fiber::winders).
  void error(std::string& out, Value raised, Value places = kNil);
  // Of this code, at no place.
  void error(std::string& out, std::string_view code, std::string_view message, std::string_view irritant);

  const std::string& path() const { return path_; }
  const std::string& problem() const { return problem_; }

 private:
  bool write(std::string& out, Value value, std::string_view root, u32 depth);
  void write_error(std::string& out, Value raised, u32 depth);
  void write_raised(std::string& out, Value raised, Value places, u32 depth);
  void write_or_show(std::string& out, Value value, u32 depth);

  Machine& machine_;
  u32 inner_errors_ = 0;  // conditions within conditions of the one that is being written
  std::string path_;
  std::string problem_;
};

void append_u32(std::string& out, u32 number);
void append_text(std::string& out, std::string_view text);  // with its tag
void append_list(std::string& out, u32 count);              // the head

}  // namespace heddle::lisp
