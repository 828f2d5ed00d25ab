// The instruction set. Registers are slots of the frame; `a` is mostly where the result goes.
//
//   R[x]     register x                     K       the word behind the instruction, a value
//   imm      `b` as a signed number         far     `c` << 16 | `b` as a signed number of words, from this instruction
//   on near     `c` as a signed number of words, from this instruction on
//
// A window is a row of registers above all live ones: R[a] for the value, R[a + 1] the procedure, R[a + 2] ... its
// arguments.
#pragma once

#include "lisp/compiler/code.h"

namespace heddle::lisp {

// GCC 12 takes an enumerator of an enum class to shadow a constant of the same name.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
enum class Op : u16 {
  kMove,        // R[a] = R[b]
  kConstant,    // R[a] = K
  kSmall,       // R[a] = fixnum of far
  kGlobal,      // R[a] = value of the cell K; raises where it has none
  kSetGlobal,   // value of the cell K = R[a]; raises where it has none
  kDefine,      // value of the cell K = R[a]
  kFree,        // R[a] = free value b
  kSelf,        // R[a] = the closure that runs
  kBox,         // R[a] = a new box with R[a]
  kUnbox,       // R[a] = content of the box R[b]; raises where it is undefined
  kFreeUnbox,   // R[a] = content of the box that is free value b
  kSetBox,      // content of the box R[a] = R[b]
  kFreeSetBox,  // content of the box that is free value a = R[b]
  kClosure,  // R[a] = a closure of the code K over b values: so many words follow, b: which one, c: 0 register, 1 free
  kPatch,    // free value b of the closure R[a] = R[c]

  kJump,       // far
  kLoop,       // far, backwards: the fiber can be stopped here
  kJumpTrue,   // if R[a], far
  kJumpFalse,  // if not R[a], far
  // What a test gives is compared with the lowest bit of the operation's number: 0 jumps where it is false.
  kUnlessNull,  // R[a], far
  kIfNull,
  kUnlessPair,
  kIfPair,
  kUnlessEq,  // R[a], R[b], near
  kIfEq,
  kUnlessEqConstant,  // R[a], far, K
  kIfEqConstant,
  kUnlessEqv,  // R[a], R[b], near
  kIfEqv,
  kUnlessLess,  // numbers: R[a], R[b], near
  kIfLess,
  kUnlessLessEqual,
  kIfLessEqual,
  kUnlessGreater,
  kIfGreater,
  kUnlessGreaterEqual,
  kIfGreaterEqual,
  kUnlessEqual,
  kIfEqual,
  kUnlessLessSmall,  // R[a], imm, near
  kIfLessSmall,
  kUnlessLessEqualSmall,
  kIfLessEqualSmall,
  kUnlessGreaterSmall,
  kIfGreaterSmall,
  kUnlessGreaterEqualSmall,
  kIfGreaterEqualSmall,
  kUnlessEqualSmall,
  kIfEqualSmall,

  kAdd,  // R[a] = R[b] + R[c]
  kSubtract,
  kMultiply,
  kAddSmall,  // R[a] = R[b] + c, c signed
  kSubtractSmall,
  kQuotient,  // R[a] = R[b], R[c]
  kRemainder,
  kModulo,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kCons,
  kEq,
  kEqv,
  kVectorRef,
  kStringRef,
  kNot,  // R[a] = R[b]
  kIsNull,
  kIsPair,
  kCar,
  kCdr,
  kCadr,
  kCddr,
  kSetCar,  // R[a], R[b]
  kSetCdr,
  kVectorSet,  // R[a], R[b], R[c]
  kBuiltin,    // the builtin K (with a on top) called with b arguments in a window at a

  kCall,        // the procedure in the window at a, with b arguments
  kCallGlobal,  // the procedure in the cell K (with a on top), with b arguments in the window at a
  kCallSelf,    // the closure that runs, with as many arguments as it takes, in the window at a
  kTailCall,    // the same in this frame's place
  kTailCallGlobal,
  kReturn,     // R[a]
  kUnderflow,  // the machine's stub: see stack.h
};
#pragma GCC diagnostic pop
constexpr u32 kOps = static_cast<u32>(Op::kUnderflow) + 1;

}  // namespace heddle::lisp
