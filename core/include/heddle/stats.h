// Counts of a runtime, and the answer to "why does this fiber not run?".
#pragma once

#include <vector>

#include "heddle/sync.h"
#include "heddle/types.h"

namespace heddle {

struct Stats {
  // Tasks by state. The settled ones count all that ever settled.
  u32 pending = 0;
  u32 running = 0;
  u32 suspended = 0;
  u64 completed = 0;
  u64 cancelled = 0;
  u64 errored = 0;
  u32 zombies = 0;
  u32 unwinding = 0;  // settled by a cancel or a timeout, body not over yet
  u32 slots = 0;      // held of max_tasks
  // Calls to models.
  u32 calls_in_flight = 0;
  u32 calls_waiting = 0;  // for a place in flight, or at a gate
  u32 calls_in_backoff = 0;
  u64 calls = 0;                 // requests sent, repetitions included
  u64 retries = 0;               // repetitions among them
  u64 hedges = 0;                // second attempts that joined a first
  u64 fallbacks = 0;             // calls that went on with the next entry of their plan, each time
  u64 reservations = 0;          // of a rate's requests and tokens, so far
  u64 reservations_settled = 0;  // those that are over: used, or given back
  // Age of what waits longest, 0 when nothing waits.
  Time oldest_pending = 0;
  Time oldest_call = 0;
  u32 timers = 0;
  u64 events = 0;
  u64 steps = 0;          // turns
  u64 machine_steps = 0;  // of computation in shared bodies
  u64 command_hash = 0;   // of every command so far: equal runs have equal hashes
  // Live records. When nothing runs and nothing is kept, all are 0: whatever stays is a leak.
  u32 fibers = 0;        // of every kind, ended ones that are kept included
  u32 light_fibers = 0;  // those of FiberKind::kFiber among them
  u32 operations = 0;    // outstanding, or over and not delivered
  u32 wait_links = 0;    // ties of waits to the fibers that they wait for
  u32 connections = 0;   // calls that are not over
  u32 shields = 0;
  u32 limits = 0;                // fibers with a timeout, a deadline, a shield or a joiner
  u32 sync_links = 0;            // ties of operations to the objects that they wait at
  u32 objects[kSyncKinds] = {};  // by kind
};

// One gate.
struct GateStats {
  u32 inside = 0;    // calls that passed it and have not left
  u32 limit = 0;     // on them; UINT32_MAX: none
  u32 waiting = 0;   // calls in its queue
  u32 requests = 0;  // counted in the window now
  u32 requests_limit = 0;
  i64 tokens = 0;
  i64 tokens_limit = 0;
  u8 circuit = 0;          // 0 closed, 1 open, 2 half-open
  Time circuit_until = 0;  // while it is open
  Time cooling_until = 0;  // plans go around it until then
};

// What one fiber waits for.
enum class WaitReason : u8 {
  kSlot = 0,        // maxConcurrentTasks; `fibers` hold the slots
  kZombies = 1,     // admission is paused by maxZombies; `fibers` are the zombies
  kTurn = 2,        // it is ready and runs in the next step
  kHost = 3,        // its body has control: computing, or awaiting something that is no operation of Heddle's
  kDelay = 4,       // until `until`
  kFibers = 5,      // waits for `fibers`
  kCallPlace = 6,   // maxConcurrentLLMCalls; `fibers` have calls in flight
  kBackoff = 7,     // the next attempt starts at `until`
  kCall = 8,        // in flight since `since`
  kChunk = 9,       // the next chunk of a stream
  kChildren = 10,   // its body is over, `fibers` are its children that are not
  kSettled = 11,    // nothing: it is over
  kUnwinding = 12,  // cancelled; its body has not ended yet
  kRate = 13,       // a rate limit; `until`, if nothing else happens
  kGatePlace = 14,  // a gate's own limit of calls; `fibers` have calls inside
  kObjects = 15,    // waits at `objects`; `fibers` hold the mutexes among them
};

// One who waits in a deadlock, and for what. In a cycle each one's `holder` is the next one's fiber, and the last one's
// the first's.
struct DeadlockLink {
  FiberId fiber = 0;
  u32 seq = 0;        // of the fiber
  OpId op = 0;        // 0: its body is over, and it waits for its children
  SyncId object = 0;  // 0: it waits for `holder` itself
  SyncKind kind = SyncKind::kFree;
  SyncAct act = SyncAct::kLock;
  u32 object_seq = 0;
  FiberId holder = 0;  // 0: nobody could still do what it waits for
  u32 holder_seq = 0;
};

struct Deadlock {
  u32 number = 0;  // comes as the token of the operations that it ended
  bool is_cycle = false;
  std::vector<DeadlockLink> links;  // at most kMaxNamed of them
};

// What a fiber waits to do at an object.
struct WaitedObject {
  SyncId id = 0;
  SyncAct act = SyncAct::kLock;
};

struct WaitFact {
  WaitReason reason = WaitReason::kHost;
  Time since = 0;
  Time until = kNever;
  u32 ahead = 0;  // entries in the same queue, itself not counted
  u32 limit = 0;
  u32 gate = 0;                 // whose limit it is
  std::vector<FiberId> fibers;  // at most kMaxNamed of them
  std::vector<WaitedObject> objects;
};
constexpr u32 kMaxNamed = 20;

}  // namespace heddle
