// A host that needs no JavaScript: drives a kernel, answers its calls by a script, runs jobs as host bodies, and keeps
// a clock that moves only when told to. Its alarm is the only thing that wakes it: a kernel that forgets to set one
// hangs.
//
// After each step, and after each batch of commands, it asks the kernel for a broken invariant and fails the test on
// one.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "heddle/job.h"
#include "heddle/kernel.h"

namespace heddle::testing {

// What the host's world says to one attempt of a call, or to one read of a stream.
struct Reply {
  bool ok = true;
  bool opens = false;  // a stream's first chunk, not the end
  bool ends = false;   // after this chunk the stream is over
  bool never = false;  // no answer, until aborted
  bool retryable = false;
  bool simulated = false;  // the kernel's own clock says when
  Time retry_after = -1;
  Time latency = 0;
  u32 flags = 0;  // FailureFlags beside kRetryable
  i64 used = -1;  // tokens; -1: it does not say

  u32 failure() const { return flags | (retryable ? u32{kRetryable} : 0); }

  static Reply fine(Time latency = 0) { return {.latency = latency}; }
  static Reply failed() { return {.ok = false}; }
  static Reply busy(Time retry_after = -1) { return {.ok = false, .retryable = true, .retry_after = retry_after}; }
  static Reply silent() { return {.never = true}; }
  static Reply opened(Time latency = 0) { return {.opens = true, .latency = latency}; }
  static Reply failed_as(u32 flags, Time latency = 0) { return {.ok = false, .latency = latency, .flags = flags}; }
};

struct Attempt {
  CallId call = 0;
  OpId op = 0;
  u32 number = 0;  // of the attempt; for a read, of the chunk
  bool stream = false;
  u32 entry = 0;  // of the call's plan
};

struct Settled {
  FiberId fiber = 0;
  u32 seq = 0;
  Outcome outcome = Outcome::kNone;
  Cause cause = Cause::kNone;
  u32 named = 0;
  u32 reason = 0;
  bool ended = false;
};

class FakeHost : public JobHost {
 public:
  explicit FakeHost(const KernelConfig& config = {}) : kernel(config), is_virtual_(config.virtual_time) {}
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // --- Bodies ---

  // A host body.
  FiberId submit(const SubmitRequest& request, JobFunction function) override {
    const FiberId id = kernel.submit(request);
    if (id == 0) return 0;
    auto body = std::make_unique<HostBody>();
    body->state.kernel = &kernel;
    body->state.host = this;
    body->state.fiber = id;
    body->function = std::move(function);
    bodies_[id] = std::move(body);
    return id;
  }
  FiberId submit(JobFunction function) { return submit(SubmitRequest{}, std::move(function)); }
  // A body of either kind.
  FiberId submit(BodyKind kind, const SubmitRequest& request, JobFunction function) {
    return kind == BodyKind::kNative ? submit_job(kernel, request, std::move(function))
                                     : submit(request, std::move(function));
  }

  // --- Its world ---

  std::function<Reply(const Attempt&)> on_call = [](const Attempt&) { return Reply::fine(); };
  std::function<Reply(const Attempt&)> on_read = [](const Attempt&) { return Reply::fine(); };
  // Before each run that is carried out.
  std::function<void(const Command&)> on_run;
  // With each effect.
  std::function<void(const Command&)> on_effect;
  bool is_closed_world = false;  // nobody outside does anything for those who wait
  u32 deadlocks = 0;             // operations that were ended because of that
  bool quiet = false;            // it was told that nothing more will happen
  bool closes = true;            // answers kAbortCall
  Time close_latency = 0;
  bool checks = true;
  u32 step_limit = UINT32_MAX;

  // --- Driving ---

  // One step, and what it wants. Gives true if there is more to do now.
  bool turn() {
    virtual_alarm_ = false;
    const u64 events = kernel.stats().events;
    const bool more = kernel.step(step_limit);
    check();
    carry_out();
    check();
    return more || virtual_alarm_ || kernel.stats().events > events + 1;
  }

  // Until nothing is left to do at this time; under virtual time, until nothing is left to do at all.
  void run() {
    for (u32 turns = 0; turns < kManyTurns; ++turns) {
      if (turn()) continue;
      if (!is_virtual_ || scheduled_.empty()) return;
      answer_next();
    }
    ADD_FAILURE() << "the kernel does not come to rest";
  }

  // Lets the clock run, stopping at each alarm and each answer that is due.
  void pass(Time duration) {
    const Time end = now_ + duration;
    run();
    for (;;) {
      const Time answer = scheduled_.empty() ? kNever : scheduled_.begin()->first.first;
      if ((answer < alarm_ ? answer : alarm_) > end) break;
      wait_for_next();
      run();
    }
    now_ = end;
    kernel.set_time(now_);
    run();
  }

  // Moves the clock to the next alarm or answer, and lets that happen; false if there is none.
  bool wait_for_next() {
    const Time answer = scheduled_.empty() ? kNever : scheduled_.begin()->first.first;
    const Time next = answer < alarm_ ? answer : alarm_;
    if (next == kNever) return false;
    if (next > now_) now_ = next;
    kernel.set_time(now_);
    if (alarm_ <= now_) alarm_ = kNever;
    if (answer <= now_) answer_next();
    return true;
  }

  Time now() const { return is_virtual_ ? kernel.now() : now_; }

  // Effects first, then runs, until there are none.
  void carry_out() {
    for (;;) {
      effects();
      if (kernel.runs().empty()) return;
      const Command command = kernel.runs().pop();
      if (on_run) {
        on_run(command);
        effects();
      }
      ++runs_count;
      run_command(command);
    }
  }

  void effects() {
    while (!kernel.effects().empty()) {
      const Command command = kernel.effects().pop();
      if (on_effect) on_effect(command);
      effect(command);
    }
  }

  void check() {
    if (!checks) return;
    const std::string broken = kernel.broken_invariant();
    if (!broken.empty()) {
      ADD_FAILURE() << "invariant: " << broken;
      checks = false;
    }
  }

  // Its stream breaks: the connection is gone, and nobody has said so yet.
  void lose(CallId call) {
    unschedule(call);
    open_.erase(call);
    chunks_.erase(call);
  }

  // Answers the call that is due next.
  void answer_next() {
    auto first = scheduled_.begin();
    const std::function<void()> answer = std::move(first->second.answer);
    scheduled_.erase(first);
    answer();
  }

  // --- What it saw ---

  bool is_settled(FiberId fiber) const { return last_.count(fiber) != 0; }
  Outcome outcome(FiberId fiber) const { return is_settled(fiber) ? last_.at(fiber).outcome : Outcome::kNone; }
  Cause cause(FiberId fiber) const { return is_settled(fiber) ? last_.at(fiber).cause : Cause::kNone; }
  const Settled& settlement(FiberId fiber) const { return last_.at(fiber); }
  u32 open_calls() const { return static_cast<u32>(open_.size()); }

  Kernel kernel;
  std::vector<Settled> settled;  // in order
  std::vector<FiberId> started;
  std::vector<FiberId> ended;
  std::vector<FiberId> became_zombie;
  std::vector<FiberId> no_zombie;
  u32 most_open = 0;  // calls open at once
  u32 attempts = 0;
  u32 aborts = 0;
  u32 late_words = 0;  // how often it was told that a first word takes too long
  u64 runs_count = 0;

 private:
  static constexpr u32 kManyTurns = 20'000'000;

  struct HostBody {
    JobState state;
    JobFunction function;
    Job job;
  };
  struct Scheduled {
    CallId call;
    std::function<void()> answer;
  };

  void schedule(Time latency, CallId call, std::function<void()> answer) {
    if (latency <= 0) {
      answer();
    } else {
      scheduled_[{now() + latency, order_++}] = {call, std::move(answer)};
    }
  }

  void run_command(const Command& command) {
    switch (command.type) {
      case CommandType::kStart: {
        started.push_back(command.a);
        const auto found = bodies_.find(command.a);
        if (found == bodies_.end()) return;
        if (kernel.is_cancelled(command.a)) {
          end_body(command.a, false);
          return;
        }
        HostBody& body = *found->second;
        body.job = body.function(Self(&body.state));
        go_on(command.a);
        break;
      }
      case CommandType::kResume: {
        const auto found = waiting_.find(command.a);
        if (found == waiting_.end()) return;
        const FiberId fiber = found->second;
        waiting_.erase(found);
        HostBody& body = *bodies_.at(fiber);
        body.state.code = static_cast<OpCode>(command.b & 0xff);
        body.state.aux = body.state.value = command.c;
        body.state.index = command.b >> 8;
        go_on(fiber);
        break;
      }
      case CommandType::kStartCall:
        start_call({command.a, command.b, command.c, kernel.is_stream(command.a),
                    command.detail[0] | u32{command.detail[1]} << 8 | u32{command.detail[2]} << 16});
        break;
      case CommandType::kRead: read(command.a, command.b); break;
      default: ADD_FAILURE() << "not a run";
    }
  }

  void go_on(FiberId fiber) {
    HostBody& body = *bodies_.at(fiber);
    if (body.job.resume()) {
      waiting_[static_cast<OpId>(body.state.answer)] = fiber;
    } else {
      end_body(fiber, body.job.completed());
    }
  }

  void end_body(FiberId fiber, bool completed) {
    bodies_.erase(fiber);
    kernel.ended(fiber, completed);
  }

  void start_call(const Attempt& attempt) {
    ++attempts;
    open_.insert(attempt.call);
    if (open_.size() > most_open) most_open = static_cast<u32>(open_.size());
    if (early_aborts_.erase(attempt.call) != 0) {
      close(attempt.call);
      return;
    }
    const Reply reply = on_call(attempt);
    if (reply.never) return;
    const CallId call = attempt.call;
    if (reply.simulated) {
      if (reply.used >= 0) kernel.call_used(call, reply.used);
      kernel.call_takes(call, reply.latency, reply.ok, reply.opens, reply.failure(), reply.retry_after);
      open_.erase(call);
      return;
    }
    schedule(reply.latency, call, [this, call, reply] {
      if (reply.opens) {
        kernel.call_opened(call);
      } else {
        open_.erase(call);
        if (reply.used >= 0) kernel.call_used(call, reply.used);
        kernel.call_done(call, reply.ok, reply.failure(), reply.retry_after);
      }
    });
  }

  void read(OpId op, CallId call) {
    const Reply reply = on_read({call, op, ++chunks_[call], true});
    if (reply.never) return;
    if (reply.simulated) {
      kernel.read_takes(op, reply.latency, reply.ok);
      return;
    }
    schedule(reply.latency, call, [this, op, call, reply] {
      kernel.read_done(op, reply.ok);
      if (reply.ends && open_.count(call) != 0) close(call);
    });
  }

  void close(CallId call) {
    open_.erase(call);
    chunks_.erase(call);
    kernel.call_closed(call);
  }

  // Its first word took too long: the attempt fails. One that has not begun is told again.
  void fail_late(CallId call) {
    ++late_words;
    if (!closes || open_.count(call) == 0) return;
    unschedule(call);
    schedule(close_latency, call, [this, call] {
      open_.erase(call);
      kernel.call_done(call, false, kRetryable | kFault);
    });
  }

  void unschedule(CallId call) {
    for (auto it = scheduled_.begin(); it != scheduled_.end();)
      it = it->second.call == call ? scheduled_.erase(it) : ++it;
  }

  void abort(CallId call, u32 how) {
    if (how == 2) {
      fail_late(call);
      return;
    }
    ++aborts;
    if (how == 1) {
      open_.erase(call);
      chunks_.erase(call);
      return;
    }
    unschedule(call);
    if (open_.count(call) == 0) {
      early_aborts_.insert(call);
    } else if (closes) {
      schedule(close_latency, call, [this, call] { close(call); });
    }
  }

  void effect(const Command& command) {
    switch (command.type) {
      case CommandType::kSettle: {
        Settled record;
        record.fiber = command.a;
        record.outcome = static_cast<Outcome>(command.detail[0]);
        record.cause = static_cast<Cause>(command.detail[1]);
        record.ended = command.detail[2] != 0;
        record.named = command.b;
        record.reason = command.c;
        settled.push_back(record);
        last_[command.a] = record;
        if (record.ended) over(command.a);
        break;
      }
      case CommandType::kEnded: over(command.a); break;
      case CommandType::kAbortCall: abort(command.a, command.b); break;
      case CommandType::kAlarm:
        if (is_virtual_) {
          virtual_alarm_ = command.x() >= 0;
        } else {
          alarm_ = command.x() < 0 ? kNever : std::llround(command.x() * 1000.0);
        }
        break;
      case CommandType::kZombie: (command.b != 0 ? became_zombie : no_zombie).push_back(command.a); break;
      case CommandType::kInterrupt: break;
      case CommandType::kStarted: break;
      case CommandType::kAwaited: break;
      case CommandType::kDropped:
      case CommandType::kNotReleased: break;
      case CommandType::kQuiet:
        quiet = true;
        if (is_closed_world) deadlocks += kernel.break_deadlock();
        break;
      default: ADD_FAILURE() << "not an effect";
    }
  }

  void over(FiberId fiber) {
    ended.push_back(fiber);
    // A body that never began is not wanted any more.
    bodies_.erase(fiber);
  }

  bool is_virtual_;
  bool virtual_alarm_ = false;
  Time now_ = 0;
  Time alarm_ = kNever;
  u64 order_ = 0;
  std::map<FiberId, std::unique_ptr<HostBody>> bodies_;
  std::map<OpId, FiberId> waiting_;
  std::map<std::pair<Time, u64>, Scheduled> scheduled_;
  std::set<CallId> open_;
  std::set<CallId> early_aborts_;
  std::map<CallId, u32> chunks_;
  std::map<FiberId, Settled> last_;
};

// A configuration with room for everything, and fields to change.
inline KernelConfig roomy() {
  KernelConfig config;
  config.max_tasks = 1'000'000;
  config.max_calls = 1'000'000;
  return config;
}

inline KernelConfig with_tasks(u32 max_tasks) {
  KernelConfig config;
  config.max_tasks = max_tasks;
  return config;
}

// Nothing is left of anything: no record, no timer, no slot, no connection.
inline void expect_clean(FakeHost& host) {
  host.kernel.step(0);
  host.carry_out();
  const Stats stats = host.kernel.stats();
  EXPECT_EQ(stats.fibers, 0u);
  EXPECT_EQ(stats.operations, 0u);
  EXPECT_EQ(stats.wait_links, 0u);
  EXPECT_EQ(stats.connections, 0u);
  EXPECT_EQ(stats.shields, 0u);
  EXPECT_EQ(stats.limits, 0u);
  EXPECT_EQ(stats.timers, 0u);
  EXPECT_EQ(stats.slots, 0u);
  EXPECT_EQ(stats.pending, 0u);
  EXPECT_EQ(stats.running, 0u);
  EXPECT_EQ(stats.suspended, 0u);
  EXPECT_EQ(stats.unwinding, 0u);
  EXPECT_EQ(stats.zombies, 0u);
  EXPECT_EQ(stats.calls_in_flight, 0u);
  EXPECT_EQ(stats.calls_waiting, 0u);
  EXPECT_EQ(stats.calls_in_backoff, 0u);
  EXPECT_EQ(stats.reservations, stats.reservations_settled);
  for (const GateStats& gate : host.kernel.gate_stats()) {
    EXPECT_EQ(gate.inside, 0u);
    EXPECT_EQ(gate.waiting, 0u);
  }
  EXPECT_EQ(host.kernel.live_calls(), 0u);
  EXPECT_EQ(host.open_calls(), 0u);
  EXPECT_EQ(host.kernel.broken_invariant(), "");
}

}  // namespace heddle::testing
