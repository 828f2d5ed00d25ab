// What builtins share in looking at their arguments: indexes, ranges, sizes, and lists that may be circular.
//
// A function that gives bool has raised where it gives false: the builtin returns kRaised then.
#pragma once

#include <string>
#include <string_view>

#include "lisp/machine.h"
#include "lisp/numbers/numbers.h"

namespace heddle::lisp {

// A step of a machine is worth about four words that a builtin copies or looks at.
inline void charge_items(Machine& machine, u64 items) { machine.charge(items >> 2); }

// The most elements that a program may ask a vector, a list or a bytevector to have, whatever the heap's limit.
constexpr u64 kMaxElements = u64{1} << 28;

// Argument `index` (from 0) is an exact integer from 0 to `most`; `what` names it in messages ("an index").
bool integer_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, std::string_view what,
                      u64 most, u64& out);

// The same for an index of something of that length.
bool index_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u64 length, u32& out);

// A number of elements that will take that many bytes each: raises HeapLimit where there is no room.
bool size_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u32 bytes_each,
                   u32& out);

// That many more bytes fit.
bool room(Machine& machine, std::string_view name, u64 bytes);

// The arguments [start, end), both optional, from `index` on.
struct Range {
  u32 start = 0;
  u32 end = 0;
  u32 size() const { return end - start; }
};
bool range_arguments(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index, u64 length,
                     Range& out);

bool type_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, Type type,
                   std::string_view expected);

// The text of a string, or the name of a symbol; anything else is "?".
std::string text_of(Value value);

// Walks along a list, whatever its shape; stops at the first pair that it sees again (Brent's algorithm: at most three
// times as many steps as the list has pairs, no memory).
//
//   ListWalk walk(list);
//   for (; walk.at_pair(); walk.advance()) use(walk.item());
//   if (!walk.at_end()) the list is improper, or circular
class ListWalk {
 public:
  explicit ListWalk(Value list) : at_(list), mark_(kUndefined) {}

  bool at_pair() const { return at_.is_pair() && !is_circular_; }
  bool at_end() const { return at_.is_nil(); }
  bool is_circular() const { return is_circular_; }
  Value at() const { return at_; }
  Value item() const { return car(at_); }
  u64 count() const { return count_; }  // pairs passed
  void advance() {
    if (count_++ == next_mark_) {
      mark_ = at_;
      next_mark_ = 2 * count_;
    }
    at_ = cdr(at_);
    is_circular_ = at_ == mark_;
  }

 private:
  Value at_;
  Value mark_;
  u64 count_ = 0;
  u64 next_mark_ = 0;
  bool is_circular_ = false;
};

// The pairs of a proper list; another value, or a circular list, is a TypeError.
bool list_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, u64& length);
// That TypeError, of a value that is not a proper list.
Value not_a_list(Machine& machine, std::string_view name, u32 index, Value got);

// Builds a list from its head.
class ListBuilder {
 public:
  explicit ListBuilder(Heap& heap) : heap_(heap) {}
  void add(Value item) {
    const Value pair = heap_.cons(item, kNil);
    if (last_ == nullptr) {
      head_ = pair;
    } else {
      last_->cdr = pair;
    }
    last_ = pair.to_pair();
  }
  // With that tail; the builder is done then.
  Value list(Value tail = kNil) {
    if (last_ == nullptr) return tail;
    last_->cdr = tail;
    return head_;
  }

 private:
  Heap& heap_;
  Value head_ = kNil;
  Pair* last_ = nullptr;
};

}  // namespace heddle::lisp
