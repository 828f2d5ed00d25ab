// How much went through in the last window of time: requests and tokens per minute, as a provider counts them.
//
// A sliding log, not a bucket: a full bucket that refills allows twice its size in a window, and providers refuse that.
// A request's charge leaves the log a whole window after the latest moment at which the provider can have counted it:
// the moment it was sent plus `transit`, the longest time that a request is taken to be under way. So the limits hold
// in every window of that length, both ends included, whenever in their time under way the requests arrive.
//
//   held -> sent -> expired      held -> released      sent -> settled (the truth replaces the estimate) -> expired
//
// Amortised O(1) each. Owned by a Gate. Limits are 0 where there is none.
#pragma once

#include <algorithm>

#include "heddle/types.h"
#include "kernel/deque.h"

namespace heddle {

class RateWindow {
 public:
  void set_requests(u32 limit) { requests_limit_ = limit; }
  void set_tokens(i64 limit) { tokens_limit_ = limit; }
  void set_window(Time window) { window_ = window; }
  void set_transit(Time transit) { transit_ = transit; }

  bool is_limited() const { return requests_limit_ != 0 || tokens_limit_ != 0; }
  i64 tokens_limit() const { return tokens_limit_; }
  u32 requests_limit() const { return requests_limit_; }
  // Counted in the window now, what is held included.
  i64 tokens() const { return tokens_ + held_tokens_; }
  u32 requests() const { return requests_ + held_requests_; }
  i64 held_tokens() const { return held_tokens_; }
  u32 held_requests() const { return held_requests_; }

  // The same without changing anything, at a time that may be later than the last change (O(n), for people).
  i64 tokens_at(Time now) const {
    i64 sum = tokens();
    for (u32 i = 0; i < log_.size() && leaves_at(i) <= now; ++i) sum -= log_.at(i).tokens;
    return sum;
  }
  u32 requests_at(Time now) const {
    u32 sum = requests();
    for (u32 i = 0; i < log_.size() && leaves_at(i) <= now; ++i) sum -= log_.at(i).requests;
    return sum;
  }

  // Whether such a request fits into an empty window.
  bool fits_ever(i64 tokens) const { return tokens_limit_ == 0 || tokens <= tokens_limit_; }

  bool fits(Time now, i64 tokens) {
    if (!is_limited()) return true;
    expire(now);
    return (requests_limit_ == 0 || requests() + foreign_requests(now) + 1 <= requests_limit_) &&
           (tokens_limit_ == 0 || this->tokens() + foreign_tokens(now) + tokens <= tokens_limit_);
  }

  // Whether one that was let through may still be sent: the limit may be lower by now, and the server may have spoken.
  bool may_send(Time now, i64 tokens) {
    if (!is_limited()) return true;
    expire(now);
    return (requests_limit_ == 0 || requests_ + foreign_requests(now) + 1 <= requests_limit_) &&
           (tokens_limit_ == 0 || tokens_ + foreign_tokens(now) + tokens <= tokens_limit_);
  }

  // A request is let through: it is held until it is sent, or given up.
  void hold(i64 tokens) {
    ++held_requests_;
    held_tokens_ += tokens;
  }
  void release(i64 tokens) {
    --held_requests_;
    held_tokens_ -= tokens;
  }

  // What was held is sent now. Gives its entry's number.
  u64 send(Time now, i64 tokens) {
    release(tokens);
    charge(now, 1, tokens);
    return first_ + log_.size() - 1;
  }

  // It did not travel: it counts from the time it was sent. (Behind one that travels it still leaves after that one.)
  void arrived_at_once(u64 entry, Time sent) {
    if (entry >= first_) log_.edit(static_cast<u32>(entry - first_)).arrived = sent;
  }

  // The request used so many tokens, where `reserved` were counted.
  void settle(Time now, u64 entry, i64 reserved, i64 used) {
    const i64 change = used - reserved;
    if (change == 0) return;
    if (entry >= first_) {
      log_.edit(static_cast<u32>(entry - first_)).tokens += change;
      tokens_ += change;
    } else if (change > 0) {
      // Its time is over, but nobody has counted these yet.
      charge(now, 0, change);
    }
  }

  // A server's own count: what is missing there and unknown here was used by others, and comes back within `reset`.
  // It cannot know of what is held, nor of all that is under way: others used at least that much, and a later word that
  // says less takes nothing back.
  void report_requests(Time now, i64 remaining, Time reset) {
    if (requests_limit_ == 0) return;
    expire(now);
    const i64 ours = i64{requests_limit_} - requests_;
    const i64 others = std::max(i64{0}, ours - remaining);
    if (others < foreign_requests(now)) return;
    others_.requests = others;
    others_.requests_until = now + std::min(reset < 0 ? kNever : reset, window_ + kMillisecond);
  }
  void report_tokens(Time now, i64 remaining, Time reset) {
    if (tokens_limit_ == 0) return;
    expire(now);
    const i64 ours = tokens_limit_ - tokens_;
    const i64 others = std::max(i64{0}, ours - remaining);
    if (others < foreign_tokens(now)) return;
    others_.tokens = others;
    others_.tokens_until = now + std::min(reset < 0 ? kNever : reset, window_ + kMillisecond);
  }

  // When something leaves the window next, or kNever.
  Time next_change(Time now) const {
    Time next = log_.empty() ? kNever : leaves_at(0);
    if (others_.requests > 0 && others_.requests_until > now) next = std::min(next, others_.requests_until);
    if (others_.tokens > 0 && others_.tokens_until > now) next = std::min(next, others_.tokens_until);
    return next;
  }

  // When such a request fits if nothing else happens, or kNever (O(n), for people).
  Time fits_at(Time now, i64 tokens) const {
    i64 requests = i64{this->requests()} + 1;
    i64 sum = this->tokens() + tokens;
    for (u32 i = 0;;) {
      for (; i < log_.size() && leaves_at(i) <= now; ++i) {
        requests -= log_.at(i).requests;
        sum -= log_.at(i).tokens;
      }
      if ((requests_limit_ == 0 || requests + foreign_requests(now) <= requests_limit_) &&
          (tokens_limit_ == 0 || sum + foreign_tokens(now) <= tokens_limit_))
        return now;
      Time next = i < log_.size() ? leaves_at(i) : kNever;
      if (others_.requests_until > now) next = std::min(next, others_.requests_until);
      if (others_.tokens_until > now) next = std::min(next, others_.tokens_until);
      if (next == kNever) return kNever;
      now = next;
    }
  }

 private:
  struct Entry {
    Time arrived = 0;  // at the latest
    u32 requests = 0;
    i64 tokens = 0;
  };
  struct Others {
    i64 requests = 0;
    Time requests_until = 0;
    i64 tokens = 0;
    Time tokens_until = 0;
  };

  void charge(Time now, u32 requests, i64 tokens) {
    log_.push({now + transit_, requests, tokens});
    requests_ += requests;
    tokens_ += tokens;
  }

  // A millisecond more, so that a window that holds both its ends holds only one of two requests a window apart.
  Time leaves_at(u32 i) const { return log_.at(i).arrived + window_ + kMillisecond; }

  void expire(Time now) {
    while (!log_.empty() && leaves_at(0) <= now) {
      const Entry entry = log_.pop();
      ++first_;
      requests_ -= entry.requests;
      tokens_ -= entry.tokens;
    }
  }

  i64 foreign_requests(Time at) const { return at < others_.requests_until ? others_.requests : 0; }
  i64 foreign_tokens(Time at) const { return at < others_.tokens_until ? others_.tokens : 0; }

  u32 requests_limit_ = 0;
  i64 tokens_limit_ = 0;
  Time window_ = 60'000 * kMillisecond;
  Time transit_ = 0;
  Deque<Entry> log_;
  u64 first_ = 0;  // number of the log's first entry
  u32 requests_ = 0;
  i64 tokens_ = 0;
  u32 held_requests_ = 0;
  i64 held_tokens_ = 0;
  Others others_;
};

}  // namespace heddle
