// Events as records: turns each one back into the call that it stands for. Partners: kernel.cpp, which writes them
// down; heddle/event.h.
#include <algorithm>
#include <cmath>
#include <utility>

#include "heddle/kernel.h"
#include "kernel/scheduler.h"

namespace heddle {

namespace {

Time optional_time(double ms) { return ms < 0 ? -1 : to_time(ms); }

// Numbers of a record that came from outside: any double, also one that no integer equals.
u32 to_count(double value) { return value > 0 ? value < 4294967295.0 ? static_cast<u32>(value) : UINT32_MAX : 0; }
i32 to_priority(double value) {
  if (std::isnan(value)) return 0;
  return static_cast<i32>(std::clamp(value, -1.0 * kMaxPriority, 1.0 * kMaxPriority));
}

}  // namespace

void Kernel::apply_option(const Event& event) {
  SubmitRequest& request = pending_submit_;
  switch (static_cast<SubmitOption>(event.a)) {
    case SubmitOption::kPriority:
      request.has_priority = true;
      request.priority = to_priority(event.x);
      break;
    case SubmitOption::kKey: request.key = std::min(to_count(event.x), kMaxKey); break;
    case SubmitOption::kTimeout: request.timeout = to_time(event.x); break;
    case SubmitOption::kQueueTimeout: request.queue_timeout = to_time(event.x); break;
    case SubmitOption::kDeadline: request.deadline = to_time(event.x); break;
    case SubmitOption::kGrace: request.grace = to_time(event.x); break;
    case SubmitOption::kJoiner: request.joiner = static_cast<Joiner>(event.x > 5 ? 0 : to_count(event.x)); break;
    case SubmitOption::kQuorum: request.quorum = to_count(event.x); break;
    case SubmitOption::kRetryBudget: request.retry_budget = to_count(event.x); break;
  }
}

void Kernel::apply_call_option(const Event& event) {
  switch (static_cast<CallOption>(event.a)) {
    case CallOption::kFirstToken: pending_call_.first_token = to_time(event.x); break;
    case CallOption::kHedge: pending_call_.hedge = to_time(event.x); break;
    case CallOption::kOnce: pending_call_.once = event.x > 0; break;
  }
}

i32 Kernel::apply(const Event& event) {
  switch (event.type) {
    case EventType::kStep: return step_as(event.a, event.b == 0) ? 1 : 0;
    case EventType::kTime: set_time(to_time(event.x)); return 0;
    case EventType::kOption: apply_option(event); return 0;
    case EventType::kSubmit: {
      SubmitRequest request = pending_submit_;
      pending_submit_ = SubmitRequest{};
      request.parent = event.a;
      request.kind = (event.b & 0xFF) == 1 ? FiberKind::kScope : FiberKind::kTask;
      if ((event.b >> 8 & 0xFF) == static_cast<u32>(BodyKind::kShared)) request.body = BodyKind::kShared;
      request.detached = (event.b & kDetached) != 0;
      request.kept = (event.b & kKept) != 0;
      request.leaves_children = (event.b & kLeavesChildren) != 0;
      request.shield = event.c;
      return static_cast<i32>(submit(request));
    }
    case EventType::kEnded: ended(event.a, event.b != 0); return 0;
    case EventType::kYield: return yield(event.a, event.b);
    case EventType::kDelay: return delay(event.a, to_time(event.x), event.b);
    case EventType::kTarget: pending_wait_.push_back(event.a); return 0;
    case EventType::kWait: {
      std::vector<FiberId> targets;
      targets.swap(pending_wait_);
      return wait(event.a, static_cast<WaitMode>((event.c & 0xFF) % 5), targets.data(),
                  static_cast<u32>(targets.size()), (event.c >> 8 & 1) != 0, to_time(event.x), event.b);
    }
    case EventType::kCallOption: apply_call_option(event); return 0;
    case EventType::kRoute: {
      RouteRequest route;
      route.gates[0] = event.a;
      route.gates[1] = event.b;
      route.gates[2] = event.c;
      route.tokens = to_tokens(event.x);
      pending_routes_.push_back(route);
      return 0;
    }
    case EventType::kCall: {
      CallRequest request = pending_call_;
      pending_call_ = CallRequest{};
      request.type = (event.c & 0xFF) == 0 ? CallClass::kLlm : CallClass::kOther;
      request.stream = (event.c >> 8 & 1) != 0;
      request.timeout = to_time(event.x);
      request.routes = pending_routes_.data();
      request.route_count = static_cast<u32>(pending_routes_.size());
      const i32 answer = call(event.a, request, event.b);
      pending_routes_.clear();
      return answer;
    }
    case EventType::kReopen:
      return reopen(event.a, event.c & ((1u << kReopenCallBits) - 1), optional_time(event.x), to_time(event.y), event.b,
                    event.c >> kReopenCallBits);
    case EventType::kGate:
      if (event.b <= static_cast<u32>(GateKey::kBreakerProbes))
        set_gate(event.a, static_cast<GateKey>(event.b), event.x);
      return 0;
    case EventType::kServerRate: report_rate(event.a, event.b != 0, event.x, optional_time(event.y)); return 0;
    case EventType::kProgress: call_progress(event.a, to_time(event.x)); return 0;
    case EventType::kReadProgress: read_progress(event.a, to_time(event.x)); return 0;
    case EventType::kCallUsed: call_used(event.a, event.x < 0 ? -1 : to_tokens(event.x)); return 0;
    case EventType::kRead: return read(event.a, event.c, to_time(event.x), event.b);
    case EventType::kCallDone: call_done(event.a, event.b != 0, event.c, optional_time(event.x)); return 0;
    case EventType::kCallOpened: call_opened(event.a); return 0;
    case EventType::kCallClosed: call_closed(event.a, event.c); return 0;
    case EventType::kCallTakes:
      call_takes(event.a, to_time(event.y), (event.b & 1) != 0, (event.b >> 8 & 1) != 0, event.c,
                 optional_time(event.x));
      return 0;
    case EventType::kReadDone: read_done(event.a, event.b != 0); return 0;
    case EventType::kReadTakes: read_takes(event.a, to_time(event.y), event.b != 0); return 0;
    case EventType::kCancel: return cancel(event.a, event.b) ? 1 : 0;
    case EventType::kCancelAll:
      cancel_all(event.b, event.c == static_cast<u32>(Cause::kClosed) ? Cause::kClosed : Cause::kRequested);
      return 0;
    case EventType::kAbortOp: return abort_op(event.a) ? 1 : 0;
    case EventType::kShield: return static_cast<i32>(shield(event.a, to_time(event.x)));
    case EventType::kUnshield: unshield(event.a); return 0;
    case EventType::kOutside: return static_cast<i32>(outside());
    case EventType::kOutsideDone: outside_done(event.a); return 0;
    case EventType::kConfigure:
      if (event.a <= static_cast<u32>(ConfigKey::kHedgeBurst)) configure(static_cast<ConfigKey>(event.a), event.x);
      return 0;
    case EventType::kRandom: random(); return 0;
    case EventType::kAdvance: advance(to_time(event.x)); return 0;
    case EventType::kRelease: release(event.a); return 0;
    case EventType::kHostDone: host_done(event.a, event.b != 0); return 0;
    case EventType::kSyncMake:
      if (event.a >= kSyncKinds || event.c > static_cast<u32>(SyncOverflow::kFail)) return 0;
      return static_cast<i32>(make_object(static_cast<SyncKind>(event.a), event.b, static_cast<SyncOverflow>(event.c)));
    case EventType::kSyncRelease: release_object(event.a); return 0;
    case EventType::kSyncOne: {
      const SyncCase one{static_cast<SyncAct>(event.c >> kSyncIdBits & 0x1f), event.c & kMaxSyncId, to_count(event.y)};
      return sync(event.a, one, event.c >> 31 != 0, to_time(event.x), event.b);
    }
    case EventType::kSyncCase: pending_cases_.push_back({static_cast<SyncAct>(event.a), event.b, event.c}); return 0;
    case EventType::kSyncSelect: {
      const std::vector<SyncCase> cases = std::exchange(pending_cases_, {});
      return select(event.a, cases.data(), static_cast<u32>(cases.size()), event.c != 0, to_time(event.x), event.b);
    }
    case EventType::kSyncDo: return sync_now(event.a, static_cast<SyncDo>(event.b), event.c, to_count(event.x));
    case EventType::kBreakDeadlock: return static_cast<i32>(break_deadlock());
    case EventType::kPayload: note(event.type, event.a, event.b, 0, event.x); return 0;
  }
  return 0;
}

}  // namespace heddle
