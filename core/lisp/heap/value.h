// A value of the Lisp: one 64-bit word, the same natively and in WebAssembly.
//
//   ...........0   exact integer of 63 bits (fixnum), shifted left by one
//   .........001   heap object, see object.h
//   .........011   pair
//   .........101   closure
//   .........111   immediate: kind in bits 3..7, payload from bit 8 on
//
// Objects are aligned to 8 bytes, so that an address with its tag is one addition. A word whose lowest bit is 0 is
// nothing to the collector: saved code addresses (aligned to 4) may stand among values.
#pragma once

#include <bit>

#include "heddle/types.h"

namespace heddle::lisp {

struct Object;
struct Pair;
struct Closure;

enum class Immediate : u8 {
  kFalse = 0,
  kTrue = 1,
  kNil = 2,          // ()
  kEof = 3,          // the eof object
  kUnspecified = 4,  // what a definition or an assignment gives
  kUndefined = 5,    // in a variable that has no value yet; never seen by a program
  kDefault = 6,      // an argument that was not given; never seen by a program
  kChar = 7,         // payload: the code point
  kSignal = 8,       // payload: Signal; what a builtin gives instead of a value
};

// What a builtin says instead of giving a value.
enum class Signal : u8 {
  kRaised = 0,    // it raised a condition: Machine::raise() has it
  kTailCall = 1,  // the machine should call what Machine::tail_call() was told
  kParked = 2,    // the fiber waits for an operation of the kernel
  kSwitched = 3,  // the registers were replaced: go on with what they say
};

class Value {
 public:
  constexpr Value() = default;  // the fixnum 0
  constexpr explicit Value(u64 bits) : bits_(bits) {}

  static constexpr i64 kMaxFixnum = INT64_MAX >> 1;
  static constexpr i64 kMinFixnum = INT64_MIN >> 1;
  static constexpr bool fits_fixnum(i64 number) { return number >= kMinFixnum && number <= kMaxFixnum; }

  static constexpr Value fixnum(i64 number) { return Value(static_cast<u64>(number) << 1); }
  static constexpr Value boolean(bool truth) { return immediate(truth ? Immediate::kTrue : Immediate::kFalse); }
  static constexpr Value character(u32 code_point) { return immediate(Immediate::kChar, code_point); }
  static constexpr Value immediate(Immediate kind, u64 payload = 0) {
    return Value(payload << 8 | static_cast<u64>(kind) << 3 | kImmediateTag);
  }
  static constexpr Value signal(Signal signal) { return immediate(Immediate::kSignal, static_cast<u64>(signal)); }
  static Value object(const Object* object) { return tagged(object, kObjectTag); }
  static Value pair(const Pair* pair) { return tagged(pair, kPairTag); }
  static Value closure(const Closure* closure) { return tagged(closure, kClosureTag); }

  constexpr u64 bits() const { return bits_; }
  constexpr bool operator==(const Value& other) const = default;  // eq?

  constexpr bool is_fixnum() const { return (bits_ & 1) == 0; }
  constexpr bool is_pair() const { return (bits_ & kTagMask) == kPairTag; }
  constexpr bool is_closure() const { return (bits_ & kTagMask) == kClosureTag; }
  // A heap object that is neither a pair nor a closure.
  constexpr bool is_object() const { return (bits_ & kTagMask) == kObjectTag; }
  constexpr bool is_immediate() const { return (bits_ & kTagMask) == kImmediateTag; }
  // Anything that lives on the heap.
  constexpr bool is_heap() const { return (bits_ & 1) != 0 && !is_immediate(); }
  constexpr bool is(Immediate kind) const { return (bits_ & 0xff) == (static_cast<u64>(kind) << 3 | kImmediateTag); }
  constexpr bool is_char() const { return is(Immediate::kChar); }
  constexpr bool is_nil() const { return is(Immediate::kNil); }
  constexpr bool is_true() const { return bits_ != (static_cast<u64>(Immediate::kFalse) << 3 | kImmediateTag); }
  constexpr bool is_boolean() const { return is(Immediate::kFalse) || is(Immediate::kTrue); }
  constexpr bool is_signal() const { return is(Immediate::kSignal); }

  constexpr i64 to_fixnum() const { return static_cast<i64>(bits_) >> 1; }
  constexpr u32 to_char() const { return static_cast<u32>(bits_ >> 8); }
  constexpr Signal to_signal() const { return static_cast<Signal>(bits_ >> 8); }
  Object* to_object() const { return untagged<Object>(); }  // of any heap value
  Pair* to_pair() const { return untagged<Pair>(); }
  Closure* to_closure() const { return untagged<Closure>(); }

  static constexpr u64 kTagMask = 7;
  static constexpr u64 kObjectTag = 1;
  static constexpr u64 kPairTag = 3;
  static constexpr u64 kClosureTag = 5;
  static constexpr u64 kImmediateTag = 7;

 private:
  static Value tagged(const void* address, u64 tag) { return Value(reinterpret_cast<std::uintptr_t>(address) | tag); }
  template <typename T>
  T* untagged() const {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits_ & ~kTagMask));
  }

  u64 bits_ = 0;
};
static_assert(sizeof(Value) == 8);

constexpr Value kFalse = Value::immediate(Immediate::kFalse);
constexpr Value kTrue = Value::immediate(Immediate::kTrue);
constexpr Value kNil = Value::immediate(Immediate::kNil);
constexpr Value kEof = Value::immediate(Immediate::kEof);
constexpr Value kUnspecified = Value::immediate(Immediate::kUnspecified);
constexpr Value kUndefined = Value::immediate(Immediate::kUndefined);
constexpr Value kDefault = Value::immediate(Immediate::kDefault);
constexpr Value kRaised = Value::signal(Signal::kRaised);
constexpr Value kTailCall = Value::signal(Signal::kTailCall);
constexpr Value kParked = Value::signal(Signal::kParked);
constexpr Value kSwitched = Value::signal(Signal::kSwitched);

}  // namespace heddle::lisp
