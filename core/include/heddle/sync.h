// Objects at which fibers wait for each other: their kinds, and what can be done to them. Numbers that cross to the
// host are fixed here; js/src/protocol.ts repeats them.
#pragma once

#include "heddle/types.h"

namespace heddle {

using SyncId = u32;

enum class SyncKind : u8 {
  kFree = 0,
  kMutex = 1,      // one holder
  kSemaphore = 2,  // limit: permits in all
  kIvar = 3,       // written once
  kChannel = 4,    // limit: values in its buffer; 0: sender and receiver meet
  kBarrier = 5,    // limit: parties
  kMailbox = 6,    // limit: messages in its buffer, at least 1; a channel that its receiver may wait at for ever
};
constexpr u32 kSyncKinds = 7;

// What a full mailbox does with one message more.
enum class SyncOverflow : u8 {
  kWait = 0,        // its sender waits
  kDropOldest = 1,  // the one that waits longest is dropped for it
  kDropNewest = 2,  // it is dropped
  kFail = 3,        // it is refused, with kIsFull
};

// What may have to wait.
enum class SyncAct : u8 {
  kLock = 1,
  kAcquire = 2,
  kTake = 3,
  kSend = 4,
  kReceive = 5,
  kPass = 6,
};

// What never waits, and is done also for a fiber that is cancelled.
enum class SyncDo : u8 {
  kUnlock = 1,  // the mutex; by its holder
  kGive = 2,    // permits back to a semaphore
  kPut = 3,     // the value into an ivar
  kClose = 4,   // a channel or a mailbox
};

// One case of an operation on objects; most have one only.
struct SyncCase {
  SyncAct act = SyncAct::kLock;
  SyncId object = 0;
  u32 value = 0;  // kAcquire: permits; kSend: the value's token
};

// A value that is sent is a number to the kernel: a token of whoever keeps the value, the host or, with this bit, the
// shared body. The kernel moves tokens and copies none. One that nobody will get is told as dropped.
constexpr u32 kTokenOfBody = 0x8000'0000;

// How an operation that is kDone ended.
struct SyncResult {
  u32 index = 0;           // of the case
  u32 value = 0;           // kTake, kReceive: the token
  bool is_closed = false;  // kReceive: there is no value and will be none
};

constexpr SyncId kMaxSyncId = (1U << 26) - 1;
constexpr u32 kMaxPermits = 0x7fff'ffff;

}  // namespace heddle
