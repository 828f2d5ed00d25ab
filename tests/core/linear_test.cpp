// Work that must grow no faster than what it is done to, counted in rounds of the kernel's loops over records. Heaps
// are counted where they are tested.
#include <gtest/gtest.h>

#include <string>

#include "support/fake_host.h"

namespace heddle::testing {
namespace {

constexpr u32 kMany = 100'000;
constexpr u64 kBound = u64{kMany} * 16;

Job sleeps(Self self) { co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk; }

class Linear : public ::testing::Test {
 protected:
  static KernelConfig config() {
    KernelConfig config = roomy();
    config.fairness = FairnessMode::kPriority;
    config.dispatch = DispatchPolicy::kPriority;
    return config;
  }
  Linear() : host(config()) { host.checks = false; }
  ~Linear() override { EXPECT_LT(host.kernel.work(), kBound); }

  static SubmitRequest at(i32 priority) {
    SubmitRequest request;
    request.has_priority = true;
    request.priority = priority;
    return request;
  }
  FiberId submit(JobFunction function, i32 priority = 0) {
    return host.submit(BodyKind::kNative, at(priority), std::move(function));
  }
  void run() {
    while (host.kernel.step(UINT32_MAX)) {
    }
    host.carry_out();
  }

  FakeHost host;
};

TEST_F(Linear, cancelling_pending_tasks) {
  host.kernel.configure(ConfigKey::kMaxTasks, 0);
  for (u32 i = 0; i < kMany; ++i) submit(sleeps);
  host.kernel.cancel_all();
  run();
  EXPECT_EQ(host.kernel.stats().cancelled, kMany);
}

TEST_F(Linear, cancelling_a_parent_of_many) {
  const FiberId id = submit([](Self self) -> Job {
    for (u32 i = 0; i < kMany; ++i) {
      Child child = self.submit(sleeps);
    }
    co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk;
  });
  run();
  host.kernel.cancel(id);
  run();
  EXPECT_EQ(host.kernel.stats().cancelled, kMany + 1);
}

TEST_F(Linear, telling_many_waiters) {
  const FiberId target = submit(sleeps);
  for (u32 i = 0; i < kMany; ++i) {
    submit(
        [target](Self self) -> Job {
          co_await self.wait(WaitMode::kAllSettled, target);
          co_return true;
        },
        5);
  }
  run();
  host.kernel.cancel(target);
  run();
  EXPECT_EQ(host.kernel.stats().completed, kMany);
}

TEST_F(Linear, waiters_for_the_end_do_not_stand_in_the_way_of_waiters_for_the_result) {
  const FiberId target = submit([](Self self) -> Job {
    co_await self.delay(1000 * kMillisecond);
    auto section = self.shield(10 * kMillisecond);
    co_await self.delay(kMillisecond);
    co_return false;
  });
  for (u32 i = 0; i < kMany / 2; ++i) {
    const auto mode = i % 2 == 0 ? WaitMode::kEnded : WaitMode::kAllSettled;
    submit([target, mode](Self self) -> Job {
      co_await self.wait(mode, target);
      co_return true;
    });
  }
  run();
  host.kernel.cancel(target);
  run();
  host.pass(kMillisecond);
  EXPECT_EQ(host.kernel.stats().completed, kMany / 2);
}

TEST_F(Linear, waiters_that_give_up_while_they_lend) {
  const FiberId target = submit(sleeps);
  for (u32 i = 0; i < kMany; ++i) {
    submit(
        [target](Self self) -> Job {
          co_await self.wait_for(WaitMode::kAll, std::vector<FiberId>(1, target), false, kMillisecond);
          co_return true;
        },
        5);
  }
  run();
  host.kernel.set_time(kMillisecond);
  run();
  EXPECT_EQ(host.kernel.stats().completed, kMany);
}

TEST_F(Linear, one_wait_for_many) {
  for (const auto mode : {WaitMode::kAll, WaitMode::kAllSettled, WaitMode::kAny, WaitMode::kRace}) {
    std::vector<FiberId> targets;
    for (u32 i = 0; i < kMany / 8; ++i) targets.push_back(submit(sleeps));
    submit([targets, mode](Self self) -> Job {
      co_await self.wait_for(mode, targets, true);
      co_return true;
    });
    run();
    host.pass(1000 * kMillisecond);
  }
}

TEST_F(Linear, a_race_that_cancels_many) {
  std::vector<FiberId> targets;
  for (u32 i = 0; i < kMany; ++i) targets.push_back(submit(sleeps));
  submit([targets](Self self) -> Job {
    co_await self.wait_for(WaitMode::kRace, targets, true);
    co_return true;
  });
  run();
  host.kernel.cancel(targets[kMany / 2]);
  run();
  EXPECT_EQ(host.kernel.stats().cancelled, kMany);
}

TEST_F(Linear, a_scope_with_many_children) {
  submit([](Self self) -> Job {
    co_return co_await self.scope(Joiner::kAll, [](Self scope) -> Job {
      for (u32 i = 0; i < kMany; ++i) {
        Child child = scope.submit(
            [i](Self inner) -> Job { co_return co_await inner.delay(kMillisecond) == OpCode::kOk&& i != 7; });
      }
      co_return true;
    }) == FiberState::kCompleted;
  });
  run();
  host.pass(kMillisecond);
  EXPECT_EQ(host.kernel.stats().fibers, 0u);
}

TEST_F(Linear, a_long_chain_of_waiters_that_lend) {
  FiberId last = submit(sleeps);
  for (u32 i = 0; i < kMany; ++i) {
    last =
        submit([last](Self self) -> Job { co_return (co_await self.wait(WaitMode::kAll, last)).code == OpCode::kOk; });
  }
  run();
  submit([last](Self self) -> Job { co_return (co_await self.wait(WaitMode::kAll, last)).code == OpCode::kOk; }, 9);
  run();
  host.pass(1000 * kMillisecond);
  EXPECT_EQ(host.kernel.stats().completed, kMany + 2);
}

TEST_F(Linear, many_sections_of_one_body) {
  const FiberId id = host.kernel.submit({});
  host.kernel.step(10);
  std::vector<ShieldId> shields;
  std::vector<i32> ops;
  for (u32 i = 0; i < kMany; ++i) {
    shields.push_back(host.kernel.shield(id, 1000 * kMillisecond));
    ops.push_back(host.kernel.delay(id, 1 + i % 7, shields.back()));
  }
  host.kernel.set_time(10);
  host.kernel.step(10);
  for (const ShieldId shield : shields) host.kernel.unshield(shield);
  host.kernel.ended(id, true);
  run();
  EXPECT_EQ(host.kernel.stats().shields, 0u);
}

TEST_F(Linear, an_outside_caller_with_many_children) {
  const FiberId outside = host.kernel.outside();
  SubmitRequest request;
  request.parent = outside;
  for (u32 i = 0; i < kMany; ++i) host.submit(BodyKind::kNative, request, sleeps);
  host.kernel.outside_done(outside);
  run();
  host.pass(1000 * kMillisecond);
  EXPECT_EQ(host.kernel.stats().completed, kMany);
}

// --- Objects ---

class LinearObjects : public Linear {
 protected:
  LinearObjects() {
    for (u32 kind = 1; kind < kSyncKinds; ++kind) {
      objects[kind] = host.kernel.make_object(static_cast<SyncKind>(kind), kind == 5 ? kMany : kind == 4 ? 0 : 2);
    }
  }
  SyncId at(SyncKind kind) const { return objects[static_cast<u32>(kind)]; }
  // Many that wait to do that, and whether it came to it.
  void wait(SyncAct act, SyncKind kind, u32 value = 1, Time timeout = 0) {
    for (u32 i = 0; i < kMany; ++i) {
      waiters.push_back(submit([this, one = SyncCase{act, at(kind), value}, timeout](Self self) -> Job {
        const Synced done = co_await self.sync(one.act, one.object, one.value, timeout);
        ++(done.ok() ? done_well : done_badly);
        if (done.ok() && one.act == SyncAct::kLock) self.sync_now(SyncDo::kUnlock, one.object);
        if (done.ok() && one.act == SyncAct::kAcquire) self.sync_now(SyncDo::kGive, one.object, one.value);
        co_return true;
      }));
    }
    run();
  }
  // From the middle, both ways by turns.
  void cancel_half() {
    for (u32 i = 0; i < kMany / 2; ++i) {
      host.kernel.cancel(waiters[i % 2 == 0 ? kMany / 2 + i / 2 : kMany / 2 - 1 - i / 2]);
    }
    run();
    EXPECT_EQ(done_badly, kMany / 2);
  }
  // A body of the host's that holds what the others wait for.
  FiberId holder() {
    const FiberId id = host.kernel.submit({});
    run();
    EXPECT_EQ(host.kernel.sync(id, {SyncAct::kLock, at(SyncKind::kMutex), 0}), kDone);
    EXPECT_EQ(host.kernel.sync(id, {SyncAct::kAcquire, at(SyncKind::kSemaphore), 2}), kDone);
    return id;
  }

  SyncId objects[kSyncKinds] = {};
  std::vector<FiberId> waiters;
  u32 done_well = 0;
  u32 done_badly = 0;
};

TEST_F(LinearObjects, many_waiters_at_a_mutex_of_whom_half_are_cancelled) {
  const FiberId id = holder();
  wait(SyncAct::kLock, SyncKind::kMutex);
  cancel_half();
  host.kernel.ended(id, true);
  run();
  EXPECT_EQ(done_well, kMany / 2);
}

TEST_F(LinearObjects, many_waiters_at_a_semaphore_of_whom_half_are_cancelled) {
  const FiberId id = holder();
  wait(SyncAct::kAcquire, SyncKind::kSemaphore);
  cancel_half();
  host.kernel.sync_now(id, SyncDo::kGive, at(SyncKind::kSemaphore), 2);
  run();
  EXPECT_EQ(done_well, kMany / 2);
}

TEST_F(LinearObjects, many_waiters_at_a_semaphore_whose_time_runs_out) {
  holder();
  wait(SyncAct::kAcquire, SyncKind::kSemaphore, 2, kMillisecond);
  host.pass(kMillisecond);
  EXPECT_EQ(done_badly, kMany);
}

TEST_F(LinearObjects, many_receivers_of_whom_half_are_cancelled) {
  wait(SyncAct::kReceive, SyncKind::kChannel);
  cancel_half();
  wait(SyncAct::kSend, SyncKind::kChannel);
  EXPECT_EQ(done_well, kMany);
  host.kernel.release_object(at(SyncKind::kChannel));
  run();
  EXPECT_EQ(done_badly, kMany);
}

TEST_F(LinearObjects, many_takers_and_many_parties) {
  wait(SyncAct::kTake, SyncKind::kIvar);
  host.kernel.sync_now(0, SyncDo::kPut, at(SyncKind::kIvar), 1);
  run();
  EXPECT_EQ(done_well, kMany);
  wait(SyncAct::kPass, SyncKind::kBarrier);
  EXPECT_EQ(done_well, 2 * kMany);
}

TEST_F(LinearObjects, closing_a_channel_with_many_receivers) {
  wait(SyncAct::kReceive, SyncKind::kChannel);
  host.kernel.sync_now(0, SyncDo::kClose, at(SyncKind::kChannel));
  run();
  EXPECT_EQ(done_badly, kMany);
}

// One hundred of them at a thousand objects: as many places in queues.
TEST_F(LinearObjects, selects_over_a_thousand_objects) {
  constexpr u32 kObjects = 1000;
  const FiberId owner = host.kernel.submit({});
  run();
  std::vector<SyncCase> cases;
  for (u32 i = 0; i < kObjects; ++i) {
    const bool is_mutex = i % 2 == 0;
    cases.push_back({is_mutex ? SyncAct::kLock : SyncAct::kAcquire,
                     host.kernel.make_object(is_mutex ? SyncKind::kMutex : SyncKind::kSemaphore, 1), 1});
    ASSERT_EQ(host.kernel.sync(owner, cases.back()), kDone);
  }
  for (u32 i = 0; i < kMany / kObjects; ++i) {
    waiters.push_back(submit([this, cases](Self self) -> Job {
      const Synced done = co_await self.select(cases);
      ++(done.ok() ? done_well : done_badly);
      co_return true;
    }));
  }
  run();
  EXPECT_EQ(host.kernel.stats().sync_links, kMany);
  for (u32 i = 25; i < 75; ++i) host.kernel.cancel(waiters[i]);
  run();
  EXPECT_EQ(done_badly, 50u);
  // With it five hundred mutexes come free.
  host.kernel.ended(owner, true);
  run();
  EXPECT_EQ(done_well, 50u);
  EXPECT_EQ(host.kernel.stats().sync_links, 0u);
}

TEST_F(LinearObjects, a_body_with_many_operations_at_one_object) {
  holder();
  for (const bool is_cancelled : {false, true}) {
    const FiberId body = host.kernel.submit({});
    run();
    for (u32 i = 0; i < kMany / 2; ++i) {
      ASSERT_GT(host.kernel.sync(body, {SyncAct::kAcquire, at(SyncKind::kSemaphore), 1 + i % 2}), 0);
    }
    if (is_cancelled) host.kernel.cancel(body);
    host.kernel.ended(body, true);
    run();
    EXPECT_EQ(host.kernel.stats().sync_links, 0u);
  }
}

TEST_F(LinearObjects, a_fiber_that_ends_with_many_mutexes) {
  const FiberId body = host.kernel.submit({});
  run();
  for (u32 i = 0; i < kMany; ++i) {
    const SyncId mutex = host.kernel.make_object(SyncKind::kMutex, 0);
    ASSERT_EQ(host.kernel.sync(body, {SyncAct::kLock, mutex, 0}), kDone);
  }
  host.kernel.ended(body, true);
  run();
  EXPECT_EQ(host.kernel.stats().fibers, 0u);
}

// --- Gates ---

class LinearGates : public Linear {
 protected:
  LinearGates() {
    host.on_run = [this](const Command& command) { over += command.type == CommandType::kResume ? 1 : 0; };
    body = begin();
  }
  FiberId begin() {
    const FiberId id = host.kernel.submit({});
    run();
    return id;
  }
  void ask(FiberId fiber, GateId gate, i64 tokens = 1, Time hedge = 0) {
    const RouteRequest route = {{0, gate, 0}, tokens};
    CallRequest request;
    request.routes = &route;
    request.route_count = 1;
    request.hedge = hedge;
    ASSERT_GT(host.kernel.call(fiber, request), 0);
  }

  FiberId body = 0;
  u32 over = 0;
};

TEST_F(LinearGates, many_calls_through_a_rate) {
  host.kernel.set_gate(1, GateKey::kRequests, 1000);
  host.kernel.set_gate(1, GateKey::kTokens, 1500);
  for (u32 i = 0; i < kMany; ++i) ask(body, 1, 1 + i % 2);
  host.pass(102 * 60'001 * kMillisecond);
  EXPECT_EQ(over, kMany);
}

TEST_F(LinearGates, many_calls_through_few_places) {
  host.kernel.set_gate(1, GateKey::kMaxInside, 1000);
  host.on_call = [](const Attempt&) { return Reply{.simulated = true, .latency = kMillisecond}; };
  for (u32 i = 0; i < kMany; ++i) ask(body, 1);
  host.pass(kMany / 1000 * kMillisecond);
  EXPECT_EQ(over, kMany);
}

TEST_F(LinearGates, dropping_calls_that_wait) {
  host.kernel.set_gate(1, GateKey::kRequests, 1);
  host.kernel.set_gate(1, GateKey::kMaxInside, 1);
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  for (u32 i = 0; i < kMany; ++i) ask(body, 1);
  run();
  host.kernel.cancel(body);
  run();
  EXPECT_EQ(over, kMany);
  EXPECT_EQ(host.kernel.stats().calls_waiting, 0u);
}

TEST_F(LinearGates, many_gates_of_which_few_change_at_a_time) {
  constexpr u32 kTenants = 1000;
  for (GateId id = 1; id <= kTenants; ++id) host.kernel.set_gate(id, GateKey::kMaxInside, 1);
  for (u32 i = 0; i < kMany; ++i) ask(body, 1 + i % kTenants);
  run();
  for (u32 i = 0; i < kMany; ++i) run();  // steps in which nothing happens
  host.pass(kMillisecond);
  EXPECT_EQ(over, kMany);
}

TEST_F(LinearGates, limits_that_change_often_while_many_wait) {
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  for (u32 i = 0; i < kMany; ++i) {
    host.kernel.set_gate(1, GateKey::kMaxInside, 1 + i % 2);
    host.kernel.set_gate(1, GateKey::kRequests, 1 + i % 3);
    host.kernel.report_rate(1, false, i % 2, -1);
    ask(body, 1);
    run();
  }
  host.kernel.cancel(body);
  run();
  EXPECT_EQ(over, kMany);
}

TEST_F(LinearGates, a_circuit_that_opens_over_many) {
  host.kernel.set_gate(1, GateKey::kMaxInside, 1);
  host.kernel.set_gate(1, GateKey::kBreakerFailures, 1);
  host.on_call = [](const Attempt&) { return Reply::failed_as(kFault, kMillisecond); };
  for (u32 i = 0; i < kMany; ++i) ask(body, 1);
  host.pass(kMillisecond);
  EXPECT_EQ(over, kMany);
  EXPECT_EQ(host.attempts, 1u);
}

TEST_F(LinearGates, many_hedges) {
  host.kernel.configure(ConfigKey::kHedgeShare, 1);
  host.kernel.set_gate(1, GateKey::kMaxInside, 1'000'000);
  host.on_call = [](const Attempt& attempt) {
    return attempt.number == 1 ? Reply::silent() : Reply::fine(kMillisecond);
  };
  for (u32 i = 0; i < kMany / 20; ++i) ask(body, 1, 1, kMillisecond);
  host.pass(2 * kMillisecond);
  EXPECT_EQ(over, kMany / 20);
}

}  // namespace
}  // namespace heddle::testing
