// A call that the host carries out: one LLM request with all its attempts, or another side effect.
//
//   state     | counts as in flight | next
//   ----------+---------------------+-----------------------------------------------------------------
//   queued    | no                  | a place among maxConcurrentLLMCalls -> in flight
//   in flight | yes                 | done -> over; failed -> backoff or over; a stream opened -> open
//   backoff   | no                  | the wait is over -> queued, ahead of its equals that never ran
//   open      | yes                 | the host says closed -> over
//   closing   | yes                 | its fiber lost interest; the host says closed, or the grace ends -> over
//
// A call outlives its operation where the connection does: an aborted one holds its place until the socket is closed,
// so that the limit holds as the server counts.
#pragma once

#include "heddle/types.h"

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
  // What a simulated attempt will say when its time is over.
  bool answer_ok = false;
  bool answer_opens = false;
  bool answer_retryable = false;
  ShieldId shield = 0;
  u32 attempt = 0;
  u32 queue_node = 0;
  TimerId timer = 0;
  u32 next = 0;  // in its fiber's list
  u32 previous = 0;
  Time since = 0;
  Time answer_retry_after = -1;
};

}  // namespace heddle
