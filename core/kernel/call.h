// A call that the host carries out: one LLM request with all its attempts, or another side effect.
//
//   state     | counts as in flight | next
//   ----------+---------------------+-----------------------------------------------------------------
//   queued    | no                  | through its gates, then a place among maxConcurrentLLMCalls -> in flight
//   in flight | yes                 | done -> over; failed -> backoff, queued (next entry of its plan) or over;
//             |                     | a stream opened -> open
//   backoff   | no                  | the wait is over -> queued, ahead of its equals that never ran
//   open      | yes                 | the host says closed -> over; its stream broke and is wanted again -> as failed
//   closing   | yes                 | its fiber lost interest; the host says closed, or the grace ends -> over
//
// A call outlives its operation where the connection does: an aborted one holds its place until the socket is closed,
// so that the limit holds as the server counts.
//
// A hedged call has a twin for a while: a second record for the same operation, with an attempt of its own. The first
// of the two that ends well ends the operation, and the other is dropped; one that fails leaves it to the other.
#pragma once

#include "heddle/types.h"
#include "kernel/gate.h"

namespace heddle {

enum class CallState : u8 { kFree = 0, kQueued = 1, kInFlight = 2, kBackoff = 3, kOpen = 4, kClosing = 5 };

struct Call {
  FiberId fiber = 0;
  OpId op = 0;  // the operation that waits for it, if one does
  CallClass type = CallClass::kOther;
  CallState state = CallState::kFree;
  bool stream = false;
  bool is_simulated = false;  // the kernel's timer ends it, no connection exists
  bool abandoned = false;     // nothing counts it any more; only the host's word is missing
  bool once = false;          // cannot be sent again
  bool is_sent = false;       // what it holds of its gates' windows is in their logs
  bool is_judged = false;     // its gates know how the attempt went
  bool is_hedge = false;      // it joined another one
  // What a simulated attempt will say when its time is over.
  bool answer_ok = false;
  bool answer_opens = false;
  u32 answer_flags = 0;
  Time answer_retry_after = -1;

  ShieldId shield = 0;
  u32 attempt = 0;        // requests sent for the operation
  u32 route_attempt = 0;  // by the current entry of the plan
  u32 queue_node = 0;     // in the queue of gate `stage`, or of places in flight
  TimerId timer = 0;
  TimerId word_timer = 0;   // its first word is due
  TimerId hedge_timer = 0;  // a second attempt is due
  u32 next = 0;             // in its fiber's list
  u32 previous = 0;
  CallId twin = 0;
  Time since = 0;
  Time first_token = 0;  // 0: no limit
  Time word_limit = 0;   // what the attempt has now; 0: none
  Time hedge = 0;        // 0: none

  // The current entry of its plan, and what it holds of it: the gates before `stage`.
  Route route;
  u32 route_index = 0;
  u32 stage = 0;
  u32 counted = 0;  // bits: the stages whose rate counts it
  i64 used = -1;    // tokens of the attempt, as the host said; -1: not known
  Time sent = 0;
  u64 entries[Route::kStages] = {};  // in the gates' logs
  u32 eras[Route::kStages] = {};     // of the gates' breakers
};

}  // namespace heddle
