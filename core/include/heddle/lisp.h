// The Lisp of a runtime: programs as tasks of its kernel. Made at the first use; one heap and one machine for all of
// its programs.
//
// Values cross between a host and the Lisp as bytes (lisp/wire.h). A call that gives some writes them to out(), which
// holds until the next call. Malformed bytes are refused and change nothing.
//
// A program's fiber is a kTask of the kernel with BodyKind::kShared; it runs in step(), in slices, and what it wants
// from the host are commands as everything else: kSpawned, kHostOp, kHostOver, kOutput.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "heddle/kernel.h"

namespace heddle {

namespace lisp {
class Programs;
}

// What a text is, to who reads it line by line.
enum class Completeness : u32 { kWrong = 0, kComplete = 1, kIncomplete = 2 };

// What the Lisp knows of a task that settled.
enum class LispResult : u32 {
  kNone = 0,   // not a task of the Lisp, or not over: a cancelled one has its cause in the command
  kValue = 1,  // it completed; out(): its value
  kError = 2,  // it failed, or its value cannot cross; out(): the error
};

class Lisp {
 public:
  // The kernel must outlive it, and must not step after it.
  explicit Lisp(Kernel& kernel);
  ~Lisp();
  Lisp(const Lisp&) = delete;
  Lisp& operator=(const Lisp&) = delete;

  // Submits a program as the event kSubmit would (parent, bits and shield as there, what kOption events gathered).
  // `program`: wire, a list [source, file, arguments, globals, options]. Gives its fiber, or 0.
  FiberId submit(u32 parent, u32 bits, u32 shield, std::string_view program);

  // While the kSettle of a task is carried out.
  LispResult result(FiberId task);
  // While a kSpawned is carried out: the list [name or null, priority].
  bool spawned(FiberId task);

  // Makes a procedure of the host a global of the shared environment and of every program from now on. `name`: wire, a
  // string. Gives its number (kFirstDefined or above; the same for the same name), or 0.
  u32 define(std::string_view name);
  static constexpr u32 kFirstDefined = 64;

  // The list of arguments of a kHostOp, once. Gives the procedure's number, or 0 if the operation is over.
  u32 arguments(OpId op);
  // Answers one: with a value, or with an error. False if the operation is over, or the bytes are malformed.
  bool reply(OpId op, bool ok, std::string_view value);

  // What a program printed since the last call, as plain UTF-8. `program` as in kOutput.
  void output(u32 program);

  // Why a program cancelled that fiber, as plain UTF-8 in out(): asked once, where the reason of a kSettle is
  // kReasonOfProgram. False if it said nothing.
  bool reason(u32 seq);
  static constexpr u32 kReasonOfProgram = 0xffffffff;

  // Whether a text is a sequence of whole forms.
  Completeness complete(std::string_view text);

  std::string_view out() const;

 private:
  std::unique_ptr<lisp::Programs> programs_;
};

}  // namespace heddle
