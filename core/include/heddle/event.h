// An event: everything that reaches the kernel from outside, as one fixed record. The typed operations of Kernel and
// this record are two spellings of the same thing: each operation can be written down as one event (a submit or a wait
// as several), and apply() turns the record back into the call. Hence a recorded list of events, fed to another kernel
// with the same configuration, gives the same commands, natively and in WebAssembly.
#pragma once

#include "heddle/types.h"

namespace heddle {

// Fields that an event does not name are zero. Times and durations are in milliseconds, as the host counts.
enum class EventType : u32 {
  kStep = 0,          // run step(a), b: 1 if the host had not yet read what earlier steps wanted
  kTime = 1,          // x: the time now
  kOption = 2,        // a: SubmitOption, x: its value; belongs to the next kSubmit
  kSubmit = 3,        // a: parent or 0, b: kind | body << 8 | flags (SubmitFlag), c: shield
  kEnded = 4,         // a: fiber whose body is over, b: 1 if it returned, 0 if it threw
  kYield = 5,         // a: fiber, b: shield
  kDelay = 6,         // a: fiber, b: shield, x: duration
  kTarget = 7,        // a: fiber; belongs to the next kWait
  kWait = 8,          // a: fiber, b: shield, c: WaitMode | cancel losers << 8, x: timeout or 0
  kCall = 9,          // a: fiber, b: shield, c: CallClass | stream << 8, x: timeout or 0
  kRead = 10,         // a: fiber, b: shield, c: call, x: timeout or 0
  kCallDone = 11,     // a: call, b: 1 ok, 0 failed, c: FailureFlags, x: Retry-After or -1
  kCallOpened = 12,   // a: call; the stream's first chunk is here
  kCallClosed = 13,   // a: call, c: FailureFlags; its connection is gone
  kCallTakes = 14,    // a: call, b: as kCallDone | opens << 8, c: FailureFlags, x: Retry-After or -1, y: latency
  kReadDone = 15,     // a: op, b: 1 ok, 0 failed
  kReadTakes = 16,    // a: op, b: 1 ok, 0 failed, y: latency
  kCancel = 17,       // a: fiber, b: reason (the host's handle)
  kCancelAll = 18,    // b: reason, c: Cause
  kAbortOp = 19,      // a: op
  kShield = 20,       // a: fiber, x: timeout
  kUnshield = 21,     // a: shield
  kOutside = 22,      // a new outside caller
  kOutsideDone = 23,  // a: fiber
  kConfigure = 24,    // a: ConfigKey, x: its value
  kRandom = 25,       // draw one number for the user
  kAdvance = 26,      // x: duration; virtual time may pass although calls are in flight
  kRelease = 27,      // a: fiber that was kept
  kGate = 28,         // a: gate, or the next number for a new one, b: GateKey, x: value
  kCallOption = 29,   // a: CallOption, x: value; belongs to the next kCall
  kRoute = 30,        // a, b, c: gates or 0, x: tokens; the next entry of the next kCall's plan
  kCallUsed = 31,     // a: call, x: tokens that its attempt used; comes before the word that ends it
  kReopen = 32,  // a: fiber, b: shield, c: call whose stream broke | flags << 24, x: Retry-After or -1, y: timeout or 0
  kServerRate = 33,     // a: gate, b: 0 requests, 1 tokens, x: what the server says remains, y: reset or -1
  kProgress = 34,       // a: call; its attempt has said something, though no text: its first word is not late any more
  kReadProgress = 35,   // a: op, x: its timeout begins anew
  kHostDone = 36,       // a: op of a kHostOp, b: 1 ok, 0 failed
  kPayload = 37,        // a: bytes, b: running number, x: their hash, as bits; what the next event carries besides
  kSyncMake = 38,       // a: SyncKind, b: limit, c: SyncOverflow
  kSyncRelease = 39,    // a: object
  kSyncOne = 40,        // a: fiber, b: shield, c: object | SyncAct << 26 | may wait << 31, x: timeout or 0, y: value
  kSyncCase = 41,       // a: SyncAct, b: object, c: value; belongs to the next kSyncSelect
  kSyncSelect = 42,     // a: fiber, b: shield, c: 1 if it may wait, x: timeout or 0
  kSyncDo = 43,         // a: fiber, b: SyncDo, c: object, x: value
  kBreakDeadlock = 44,  // nobody outside will do anything for those who wait
};
constexpr u32 kSyncIdBits = 26;

// In kReopen a call shares a word with its flags; as many calls as that cuts off fit into no memory.
constexpr u32 kReopenCallBits = 24;

struct Event {
  EventType type = EventType::kStep;
  u32 a = 0;
  u32 b = 0;
  u32 c = 0;
  double x = 0;
  double y = 0;
};
static_assert(sizeof(Event) == 32);

// Bits of a kSubmit.
enum SubmitFlag : u32 { kDetached = 1 << 16, kKept = 1 << 17, kLeavesChildren = 1 << 18 };

// Optional settings of a submit; one that is not given is inherited.
enum class SubmitOption : u32 {
  kPriority = 0,      // -1,000,000 .. 1,000,000
  kKey = 1,           // fairness key: a number from 1 to kMaxKey that the host gives to a name
  kTimeout = 2,       // run time
  kQueueTimeout = 3,  // time until the start
  kDeadline = 4,      // absolute time
  kGrace = 5,         // time from cancel until it counts as a zombie
  kJoiner = 6,        // Joiner of a scope
  kQuorum = 7,        // n of Joiner::kQuorum
  kRetryBudget = 8,   // repetitions that it and what it submits may spend
};

// Optional settings of a call.
enum class CallOption : u32 {
  kFirstToken = 0,  // longest time of an attempt until its first word
  kHedge = 1,       // time after which a second attempt joins the first
  kOnce = 2,        // its request cannot be sent again
};

// Settings of a gate. 0 means none where nothing else is said.
enum class GateKey : u32 {
  kMaxInside = 0,
  kRequests = 1,  // in a window
  kTokens = 2,    // in a window
  kWindow = 3,    // its length; 60 s at first
  kTransit = 4,   // longest time that a request is under way to its server
  kAdaptiveInitial = 5,
  kAdaptiveMin = 6,
  kAdaptiveMax = 7,      // 0: not adaptive
  kBreakerFailures = 8,  // in a row; 0: no breaker
  kBreakerPause = 9,
  kBreakerProbes = 10,
};

enum class ConfigKey : u32 {
  kMaxTasks = 0,
  kMaxCalls = 1,
  kTaskTimeout = 2,
  kFairness = 3,
  kAging = 4,
  kGrace = 5,
  kMaxZombies = 6,
  kMaxAttempts = 7,
  kBaseDelay = 8,
  kMaxDelay = 9,
  kMaxRetryAfter = 10,
  kRetryBudget = 11,
  kCooldown = 12,    // how long plans go around a model that failed
  kHedgeShare = 13,  // hedges, as a share of the calls
  kHedgeBurst = 14,  // hedges beyond that share
};

}  // namespace heddle
