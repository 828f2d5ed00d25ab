// The words that every part of the core shares: identifiers, logical time, and the states and causes that a host sees.
// Numbers that cross to the host are fixed here and never renumbered; js/src/protocol.ts repeats them, and a test
// compares.
#pragma once

#include <cstdint>

namespace heddle {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

// Index of a live record. 0 names none. An index is reused after the record ended, but never
// before the host has read all commands and step() is called again.
using FiberId = u32;
using OpId = u32;
using CallId = u32;
using ShieldId = u32;
using TimerId = u32;
using GateId = u32;

// Logical time in microseconds since the runtime began. The host says what it is; the core never looks at a clock.
using Time = i64;
constexpr Time kNever = INT64_MAX;
// Longest span that a duration may have: 2^50 us (35 years). Up to there, microseconds survive the way to milliseconds
// as a double and back, which a recorded event takes.
constexpr Time kMaxSpan = Time{1} << 50;
// Logical time stops here, so that sums never overflow.
constexpr Time kLastTime = Time{1} << 61;
constexpr Time kMillisecond = 1000;

// What a fiber is to its owner.
enum class FiberKind : u8 {
  kTask = 0,     // submitted; has a promise, is admitted, counted and listed
  kScope = 1,    // the body of a structured scope; runs on its parent's slot, settles when its children ended
  kOutside = 2,  // a caller that is no task: may wait and be cancelled, has no body and no slot
  kFiber = 3,    // a light fiber of a program: no slot, no promise, not listed; the host never hears of it
};

// Who runs a fiber's code.
enum class BodyKind : u8 {
  kHost = 0,
  kNative = 1,
  kShared = 2,  // the one body that an interpreter is for all its fibers
};

// The state that a user sees. See fiber.h for the full table of transitions.
enum class FiberState : u8 {
  kFree = 0,
  kPending = 1,
  kRunning = 2,
  kSuspended = 3,
  kCompleted = 4,
  kCancelled = 5,
  kError = 6,
};

// How a fiber settled.
enum class Outcome : u8 { kNone = 0, kCompleted = 1, kFailed = 2, kCancelled = 3, kTimedOut = 4 };

// Why a fiber was cancelled or timed out. The first cause wins.
enum class Cause : u8 {
  kNone = 0,
  kRequested = 1,        // cancel(), with the caller's reason
  kTimeout = 2,          // its run time ran out
  kQueueTimeout = 3,     // it waited too long for its start
  kDeadline = 4,         // its deadline, or an inherited one, passed
  kParentCancelled = 5,  // an ancestor was cancelled or timed out
  kParentFailed = 6,     // its parent's body threw
  kScopeDecided = 7,     // its scope has what it needs
  kScopeFailed = 8,      // a sibling in its scope failed
  kClosed = 9,           // the runtime is closing
  kAwaitDecided = 10,    // an await-any or race with losers: cancel has its winner
};

// How one operation ended.
enum class OpCode : u8 {
  kOk = 0,
  kFailed = 1,             // what it waited for failed; the host knows the error
  kCancelled = 2,          // its fiber was cancelled or timed out
  kTimeout = 3,            // the operation's own timeout
  kAborted = 4,            // the operation's own signal
  kRetryAfterTooLong = 5,  // the server asked for a longer wait than allowed
  kRequestTooLarge = 6,    // needs more tokens than a rate limit allows in a whole window
  kCircuitOpen = 7,        // its endpoint's circuit is open
  kClosed = 8,             // the object that it waited at is closed, or gone
  kDeadlock = 9,           // it would wait for ever
};

// What a wait for other fibers waits for.
enum class WaitMode : u8 {
  kAll = 0,         // every one completed, or the first failure
  kAllSettled = 1,  // every one settled
  kAny = 2,         // the first that completed, or all failed
  kRace = 3,        // the first that settled
  kEnded = 4,       // body and children over, not only settled; not interrupted by the waiter's own cancellation
};

// How a scope decides its result.
enum class Joiner : u8 { kNone = 0, kAll = 1, kAllSettled = 2, kAny = 3, kRace = 4, kQuorum = 5 };

enum class FairnessMode : u8 { kFifo = 0, kPriority = 1, kRoundRobin = 2 };
enum class DispatchPolicy : u8 { kRoundRobin = 0, kFairRoundRobin = 1, kRandom = 2, kPriority = 3 };

// What a failed attempt means, as bits.
enum FailureFlag : u32 {
  kRetryable = 1,         // another attempt may succeed
  kOverload = 2,          // the server asks for less: adaptive limits go down
  kFault = 4,             // the endpoint itself failed: circuit breakers count it
  kFallback = 8,          // another model may do better: plans go on
  kRefusedByServer = 16,  // it did no work; the host then says that no tokens were used
  kUnavailable = 32,      // the model or its account, not this request: plans go around it for a while
};

// What a host call counts against.
enum class CallClass : u8 {
  kLlm = 0,    // maxConcurrentLLMCalls, with retry
  kOther = 1,  // no limit, no retry
};

}  // namespace heddle
