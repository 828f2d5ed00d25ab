// A fake host for tests of calls alone: each call has a body of its own (or one that the test gives), which does
// nothing else, and its answer is kept. A call is named by the order in which it was asked for.
#pragma once

#include <utility>
#include <vector>

#include "support/fake_host.h"

namespace heddle::testing {

// A plan of one entry.
struct Through {
  GateId gates[3] = {};
  i64 tokens = 0;
};

class CallHost : public FakeHost {
 public:
  struct Answer {
    bool is_over = false;
    OpCode code = OpCode::kOk;
    u32 attempts = 0;
    Time at = 0;
  };

  explicit CallHost(const KernelConfig& config = roomy()) : FakeHost(config) {
    on_run = [this](const Command& command) {
      if (command.type != CommandType::kResume) return;
      const auto found = asked_.find(command.a);
      if (found == asked_.end()) return;
      answers[found->second] = {true, static_cast<OpCode>(command.b), command.c, now()};
      order.push_back(found->second);
      asked_.erase(found);
    };
  }

  GateId gate(const std::vector<std::pair<GateKey, double>>& settings) {
    const GateId id = static_cast<GateId>(kernel.gate_stats().size() + 1);
    for (const auto& [key, value] : settings) EXPECT_TRUE(kernel.set_gate(id, key, value));
    return id;
  }
  GateStats gate_stats(GateId id) const { return kernel.gate_stats()[id - 1]; }

  FiberId body(const SubmitRequest& request = {}) {
    const FiberId id = kernel.submit(request);
    EXPECT_NE(id, 0u);
    run();
    bodies.push_back(id);
    return id;
  }

  // Asks without letting anything happen yet.
  u32 ask(FiberId fiber, const CallRequest& request) {
    const i32 op = kernel.call(fiber, request);
    EXPECT_GT(op, 0);
    return keep(fiber, op);
  }
  u32 ask(FiberId fiber, const Through& through) { return ask(fiber, CallRequest{}, {through}); }
  u32 ask(const Through& through) { return ask(body(), through); }
  // Through a plan of several entries.
  u32 ask(FiberId fiber, CallRequest request, const std::vector<Through>& plan) {
    std::vector<RouteRequest> routes;
    for (const Through& entry : plan)
      routes.push_back({{entry.gates[0], entry.gates[1], entry.gates[2]}, entry.tokens});
    request.routes = routes.data();
    request.route_count = static_cast<u32>(routes.size());
    return ask(fiber, request);
  }
  u32 ask(const CallRequest& request, const std::vector<Through>& plan) { return ask(body(), request, plan); }
  u32 reopen(FiberId fiber, CallId call, Time retry_after = -1, Time timeout = 0) {
    const i32 op = kernel.reopen(fiber, call, retry_after, timeout);
    EXPECT_GT(op, 0);
    return keep(fiber, op);
  }

  bool is_over(u32 call) const { return answers[call].is_over; }
  OpCode code(u32 call) const { return answers[call].code; }
  OpId op(u32 call) const { return ops_[call]; }
  FiberId fiber_of(u32 call) const { return fibers_[call]; }
  CallId call_of(u32 call) const { return kernel.call_of(ops_[call]); }
  u32 over() const { return static_cast<u32>(order.size()); }

  // Ends all bodies; nothing may be left.
  void finish() {
    run();
    for (const FiberId id : bodies) kernel.ended(id, true);
    run();
    expect_clean(*this);
  }

  std::vector<Answer> answers;
  std::vector<u32> order;  // of the answers
  std::vector<FiberId> bodies;

 private:
  u32 keep(FiberId fiber, i32 op) {
    const u32 index = static_cast<u32>(answers.size());
    answers.emplace_back();
    ops_.push_back(static_cast<OpId>(op));
    fibers_.push_back(fiber);
    asked_[static_cast<OpId>(op)] = index;
    return index;
  }

  std::map<OpId, u32> asked_;
  std::vector<OpId> ops_;
  std::vector<FiberId> fibers_;
};

}  // namespace heddle::testing
