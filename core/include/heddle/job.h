// Native bodies as C++20 coroutines: each operation of the kernel is something to co_await.
//
//   FiberId id = submit_job(kernel, {}, [](Self self) -> Job {
//     Child child = self.submit(fetch_page);
//     if (co_await self.delay(5 * kMillisecond) != OpCode::kOk) co_return false;
//     co_return co_await self.join(child) == OpCode::kOk;
//   });
//
// What a job gives back says only whether it succeeded; values go by whatever it captures. An operation that its
// fiber's cancellation interrupts gives kCancelled, as does every one after it: a job that gets it should clean up and
// return. One that does not is never the reason that others stand still: each interrupted operation costs its turn, and
// when its grace is over it is a zombie.
//
// A job waits for one operation at a time: co_await what an operation of Self gives at once, in the same expression.
// The function and what it captures live as long as the job. With exceptions enabled, one that leaves a job terminates.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "heddle/kernel.h"

namespace heddle {

class Self;

// The coroutine. Owns its frame.
class Job {
 public:
  // The name is the language's. NOLINTNEXTLINE(readability-identifier-naming)
  struct promise_type {
    bool completed = false;
    Job get_return_object() { return Job(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(bool value) { completed = value; }
    void unhandled_exception() { std::terminate(); }
  };

  Job() = default;
  Job(Job&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Job& operator=(Job&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Job() {
    if (frame_ != nullptr) frame_.destroy();
  }

  explicit operator bool() const { return frame_ != nullptr; }
  // Runs to the next suspension. Gives true while it goes on.
  bool resume() {
    frame_.resume();
    return !frame_.done();
  }
  bool completed() const { return frame_.promise().completed; }
  const void* frame() const { return frame_.address(); }

 private:
  explicit Job(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_ = nullptr;
};

using JobFunction = std::function<Job(Self)>;

// Makes the fibers of jobs that the host runs as bodies of its own, so that one program can be tried both ways.
class JobHost {
 public:
  virtual ~JobHost() = default;
  virtual FiberId submit(const SubmitRequest& request, JobFunction function) = 0;
};

// What a job and the one who drives it share.
struct JobState {
  Kernel* kernel = nullptr;
  JobHost* host = nullptr;  // none for a native body
  FiberId fiber = 0;
  ShieldId shield = 0;        // innermost section that the job is in
  i32 answer = 0;             // to the operation that it waits for: its id
  OpCode code = OpCode::kOk;  // how that ended
  u32 aux = 0;
  u32 index = 0;  // of the case, and
  u32 value = 0;  // the token that it gave, of an operation on objects
};

// How a wait for several fibers ended; `index`, among those named, is the one that decided.
struct Waited {
  OpCode code;
  u32 index;
};

struct Called {
  OpCode code;
  u32 attempts;
};

// How an operation on objects ended. `answer` says why one was refused (then the code is kFailed).
struct Synced {
  OpCode code;
  i32 answer;
  u32 index;  // of the case
  u32 value;  // the token that was received or taken

  bool ok() const { return code == OpCode::kOk; }
};

struct Opened {
  OpCode code;
  CallId stream;
};

// A fiber that a job submitted. Its id stays valid as long as this lives, also after its end. The kernel must outlive
// it.
class [[nodiscard]] Child {
 public:
  Child() = default;
  Child(Kernel* kernel, FiberId id) : kernel_(kernel), id_(id) {}
  Child(Child&& other) noexcept : kernel_(other.kernel_), id_(std::exchange(other.id_, 0)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(kernel_, other.kernel_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~Child() {
    if (id_ != 0) kernel_->release(id_);
  }

  // 0 if the submit was refused, because the job is cancelled.
  FiberId id() const { return id_; }
  FiberState state() const { return id_ != 0 ? kernel_->state(id_) : FiberState::kFree; }
  bool cancel(u32 reason = 0) const { return id_ != 0 && kernel_->cancel(id_, reason); }

 private:
  Kernel* kernel_ = nullptr;
  FiberId id_ = 0;
};

// A section of a job that its cancellation does not reach before `timeout` is over. Sections nest.
class [[nodiscard]] ShieldSection {
 public:
  ShieldSection(JobState* state, Time timeout)
      : state_(state), outer_(state->shield), own_(state->kernel->shield(state->fiber, timeout)) {
    if (own_ != 0) state_->shield = own_;
  }
  ~ShieldSection() {
    state_->shield = outer_;
    state_->kernel->unshield(own_);
  }
  ShieldSection(const ShieldSection&) = delete;
  ShieldSection& operator=(const ShieldSection&) = delete;

 private:
  JobState* state_;
  ShieldId outer_;
  ShieldId own_;
};

namespace job_internal {

inline FiberId id_of(const Child& child) { return child.id(); }
inline FiberId id_of(FiberId id) { return id; }
template <typename T>
concept Target = std::same_as<T, Child> || std::same_as<T, FiberId>;

// The common part of the awaitables. A derived one has begin(), which calls the kernel.
template <typename Operation>
class Awaitable {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> /*job*/) {
    state_->answer = static_cast<Operation*>(this)->begin();
    return state_->answer > 0 || !is_over_at_once();
  }
  OpCode await_resume() const noexcept { return state_->code; }

 protected:
  JobState* state_;

 private:
  friend Operation;
  explicit Awaitable(JobState* state) : state_(state) {}

  bool is_over_at_once() {
    const bool cancelled = state_->kernel->is_cancelled(state_->fiber);
    state_->aux = 0;
    state_->code = state_->answer == kDone ? OpCode::kOk : cancelled ? OpCode::kCancelled : OpCode::kFailed;
    if (state_->code != OpCode::kCancelled || state_->host != nullptr) return true;
    state_->kernel->give_turn(state_->fiber);
    return false;
  }
};

class Yield : public Awaitable<Yield> {
 public:
  explicit Yield(JobState* state) : Awaitable(state) {}
  i32 begin() { return state_->kernel->yield(state_->fiber, state_->shield); }
};

class Delay : public Awaitable<Delay> {
 public:
  Delay(JobState* state, Time duration) : Awaitable(state), duration_(duration) {}
  i32 begin() { return state_->kernel->delay(state_->fiber, duration_, state_->shield); }

 private:
  Time duration_;
};

class Tick {
 public:
  Tick(JobState* state, u32 steps) : state_(state), steps_(steps) {}
  bool await_ready() {
    const i32 answer = state_->kernel->tick(state_->fiber, steps_, state_->shield);
    const bool interrupted =
        answer == kInterrupted || (answer == kRefused && state_->kernel->is_cancelled(state_->fiber));
    state_->code = interrupted ? OpCode::kCancelled : OpCode::kOk;
    return answer <= 0;
  }
  void await_suspend(std::coroutine_handle<> /*job*/) const noexcept {}
  OpCode await_resume() const noexcept { return state_->code; }

 private:
  JobState* state_;
  u32 steps_;
};

// For whom, and how.
struct WaitRequest {
  WaitMode mode;
  std::vector<FiberId> targets;
  bool cancel_losers;
  Time timeout;

  i32 begin(const JobState& state) const {
    return state.kernel->wait(state.fiber, mode, targets.data(), static_cast<u32>(targets.size()), cancel_losers,
                              timeout, state.shield);
  }
};

class Join : public Awaitable<Join> {
 public:
  Join(JobState* state, WaitRequest request) : Awaitable(state), request_(std::move(request)) {}
  i32 begin() { return request_.begin(*state_); }

 private:
  WaitRequest request_;
};

class Wait : public Awaitable<Wait> {
 public:
  Wait(JobState* state, WaitRequest request) : Awaitable(state), request_(std::move(request)) {}
  i32 begin() { return request_.begin(*state_); }
  Waited await_resume() const noexcept { return {state_->code, state_->aux}; }

 private:
  WaitRequest request_;
};

class Call : public Awaitable<Call> {
 public:
  Call(JobState* state, CallClass type, Time timeout) : Awaitable(state), type_(type), timeout_(timeout) {}
  i32 begin() { return state_->kernel->call(state_->fiber, type_, false, timeout_, state_->shield); }
  Called await_resume() const noexcept { return {state_->code, state_->aux}; }

 private:
  CallClass type_;
  Time timeout_;
};

class Open : public Awaitable<Open> {
 public:
  Open(JobState* state, CallClass type, Time timeout) : Awaitable(state), type_(type), timeout_(timeout) {}
  i32 begin() {
    const i32 op = state_->kernel->call(state_->fiber, type_, true, timeout_, state_->shield);
    if (op > 0) stream_ = state_->kernel->call_of(static_cast<OpId>(op));
    return op;
  }
  Opened await_resume() const noexcept { return {state_->code, state_->code == OpCode::kOk ? stream_ : 0}; }

 private:
  CallClass type_;
  Time timeout_;
  CallId stream_ = 0;
};

class Read : public Awaitable<Read> {
 public:
  Read(JobState* state, CallId stream, Time timeout) : Awaitable(state), stream_(stream), timeout_(timeout) {}
  i32 begin() { return state_->kernel->read(state_->fiber, stream_, timeout_, state_->shield); }

 private:
  CallId stream_;
  Time timeout_;
};

class Sync {
 public:
  Sync(JobState* state, std::vector<SyncCase> cases, bool may_wait, Time timeout)
      : state_(state), cases_(std::move(cases)), may_wait_(may_wait), timeout_(timeout) {}
  bool await_ready() {
    Kernel& kernel = *state_->kernel;
    const u32 count = static_cast<u32>(cases_.size());
    state_->answer = count == 1
                         ? kernel.sync(state_->fiber, cases_[0], may_wait_, timeout_, state_->shield)
                         : kernel.select(state_->fiber, cases_.data(), count, may_wait_, timeout_, state_->shield);
    if (state_->answer > 0) return false;
    const SyncResult& result = kernel.sync_result();
    const bool cancelled = state_->answer == kInterrupted ||
                           (state_->answer == kRefused && kernel.is_interrupted(state_->fiber, state_->shield));
    const OpCode code = state_->answer == kDone ? result.is_closed ? OpCode::kClosed : OpCode::kOk
                        : cancelled             ? OpCode::kCancelled
                                                : OpCode::kFailed;
    result_ = {code, state_->answer, result.index, result.value};
    is_here_ = true;
    // One that ignores its cancel must not keep others from running.
    if (!cancelled || state_->host != nullptr) return true;
    kernel.give_turn(state_->fiber);
    return false;
  }
  void await_suspend(std::coroutine_handle<> /*job*/) const noexcept {}
  Synced await_resume() const {
    if (is_here_) return result_;
    return {state_->code, state_->answer, state_->index, state_->value};
  }

 private:
  JobState* state_;
  std::vector<SyncCase> cases_;
  bool may_wait_;
  Time timeout_;
  bool is_here_ = false;
  Synced result_{};
};

class Scope : public Awaitable<Scope> {
 public:
  Scope(JobState* state, Child scope) : Awaitable(state), scope_(std::move(scope)) {}
  i32 begin() {
    const FiberId id = scope_.id();
    if (id == 0) return kInterrupted;
    return state_->kernel->wait(state_->fiber, WaitMode::kEnded, &id, 1, false, 0, state_->shield);
  }
  FiberState await_resume() const {
    const FiberState state = scope_.state();
    return state >= FiberState::kCompleted ? state : FiberState::kCancelled;
  }

 private:
  Child scope_;
};

}  // namespace job_internal

// A job's own view of its fiber: the operations. Valid as long as the job runs; cheap to copy.
class Self {
 public:
  explicit Self(JobState* state) : state_(state) {}

  FiberId id() const { return state_->fiber; }
  Kernel& kernel() const { return *state_->kernel; }
  Time now() const { return state_->kernel->now(); }
  bool is_cancelled() const { return state_->kernel->is_cancelled(state_->fiber); }

  // Gives up the turn.
  [[nodiscard]] job_internal::Yield yield() const { return job_internal::Yield(state_); }
  [[nodiscard]] job_internal::Delay delay(Time duration) const { return {state_, duration}; }
  // For computations: says that `steps` of work were done. Under fair round-robin it gives the turn up when the quantum
  // is used; under the other policies it never does.
  [[nodiscard]] job_internal::Tick tick(u32 steps = 1) const { return {state_, steps}; }

  // Submits a job as a child of this one.
  Child submit(JobFunction function, SubmitRequest request = {}) const;

  // Waits until the child settled: kOk if it completed, else kFailed.
  [[nodiscard]] job_internal::Join join(const Child& child, Time timeout = 0) const {
    return {state_, {WaitMode::kAll, {child.id()}, false, timeout}};
  }
  // Waits for several fibers, children or ids, as `mode` says. (Named one by one, because a braced list inside a
  // co_await is more than GCC 12 can do.)
  template <job_internal::Target... Targets>
  [[nodiscard]] job_internal::Wait wait(WaitMode mode, const Targets&... targets) const {
    return {state_, {mode, {job_internal::id_of(targets)...}, false, 0}};
  }
  // And cancels those that lost (kAny, kRace).
  template <job_internal::Target... Targets>
  [[nodiscard]] job_internal::Wait wait_and_cancel(WaitMode mode, const Targets&... targets) const {
    return {state_, {mode, {job_internal::id_of(targets)...}, true, 0}};
  }
  // The same for a list.
  [[nodiscard]] job_internal::Wait wait_for(WaitMode mode, std::vector<FiberId> targets, bool cancel_losers = false,
                                            Time timeout = 0) const {
    return {state_, {mode, std::move(targets), cancel_losers, timeout}};
  }

  // Does something to an object, or waits until it can be done.
  [[nodiscard]] job_internal::Sync sync(SyncAct act, SyncId object, u32 value = 0, Time timeout = 0) const {
    return {state_, {{act, object, value}}, true, timeout};
  }
  // The same, if it need not wait.
  [[nodiscard]] job_internal::Sync try_sync(SyncAct act, SyncId object, u32 value = 0) const {
    return {state_, {{act, object, value}}, false, 0};
  }
  // The same for whichever of several can be done first.
  [[nodiscard]] job_internal::Sync select(std::vector<SyncCase> cases, Time timeout = 0) const {
    return {state_, std::move(cases), true, timeout};
  }
  // What never waits.
  i32 sync_now(SyncDo what, SyncId object, u32 value = 0) const {
    return state_->kernel->sync_now(state_->fiber, what, object, value);
  }

  // Asks the host for a call, with retry for a model's.
  [[nodiscard]] job_internal::Call call(CallClass type = CallClass::kLlm, Time timeout = 0) const {
    return {state_, type, timeout};
  }
  // Asks the host for a stream, and waits for its first chunk.
  [[nodiscard]] job_internal::Open open(CallClass type = CallClass::kLlm, Time timeout = 0) const {
    return {state_, type, timeout};
  }
  // Waits for a stream's next chunk.
  [[nodiscard]] job_internal::Read read(CallId stream, Time timeout = 0) const { return {state_, stream, timeout}; }

  // Runs a job as a scope, and waits for it and all its children. Gives how the scope settled.
  [[nodiscard]] job_internal::Scope scope(Joiner joiner, JobFunction body, u32 quorum = 0) const {
    SubmitRequest request;
    request.kind = FiberKind::kScope;
    request.joiner = joiner;
    request.quorum = quorum;
    return {state_, submit(std::move(body), request)};
  }

  // Until the section is left, or `timeout` is over, operations go on although the job is cancelled.
  ShieldSection shield(Time timeout) const { return {state_, timeout}; }

 private:
  JobState* state_;
};

// A job as the body of a native fiber.
class JobBody final : public Body {
 public:
  JobBody(Kernel* kernel, JobFunction function) : function_(std::move(function)) { state_.kernel = kernel; }

  bool run(OpCode code, u32 aux, bool& completed) override {
    state_.code = code;
    state_.aux = aux;
    state_.index = aux;
    state_.value = state_.kernel->delivered();
    if (!job_) {
      job_ = function_(Self(&state_));
      resumes_at = job_.frame();
    }
    if (job_.resume()) return true;
    completed = job_.completed();
    return false;
  }
  void bind(FiberId fiber) { state_.fiber = fiber; }

 private:
  JobState state_;
  JobFunction function_;
  Job job_;  // ends before the function, whose captures it uses
};

// Submits a job. Gives its fiber, or 0 where submit() would.
inline FiberId submit_job(Kernel& kernel, const SubmitRequest& request, JobFunction function) {
  auto body = std::make_unique<JobBody>(&kernel, std::move(function));
  JobBody* job = body.get();
  const FiberId fiber = kernel.submit(request, std::move(body));
  if (fiber != 0) job->bind(fiber);
  return fiber;
}

inline Child Self::submit(JobFunction function, SubmitRequest request) const {
  request.parent = state_->fiber;
  request.shield = state_->shield;
  request.kept = true;
  const FiberId fiber = state_->host != nullptr ? state_->host->submit(request, std::move(function))
                                                : submit_job(*state_->kernel, request, std::move(function));
  return {state_->kernel, fiber};
}

}  // namespace heddle
