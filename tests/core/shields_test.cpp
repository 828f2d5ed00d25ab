// Shielded sections, grace and zombies.
#include <gtest/gtest.h>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Shields : public BothBodies {};
INSTANTIATE_TEST_SUITE_P(Bodies, Shields, kBothBodies, body_name);

KernelConfig with_grace(Time grace) {
  KernelConfig config;
  config.grace = grace;
  return config;
}

TEST_P(Shields, operations_in_a_section_go_on_after_a_cancel) {
  FakeHost host;
  std::vector<OpCode> codes;
  const FiberId id = submit(host, [&](Self self) -> Job {
    {
      auto section = self.shield(100 * kMillisecond);
      codes.push_back(co_await self.delay(10 * kMillisecond));
      codes.push_back(co_await self.delay(10 * kMillisecond));
    }
    codes.push_back(co_await self.delay(10 * kMillisecond));
    co_return true;
  });
  host.pass(5 * kMillisecond);
  host.kernel.cancel(id);
  EXPECT_EQ(host.kernel.stats().cancelled, 1u);
  host.pass(20 * kMillisecond);
  EXPECT_EQ(codes, (std::vector<OpCode>{OpCode::kOk, OpCode::kOk, OpCode::kCancelled}));
  expect_clean(host);
}

TEST_P(Shields, a_section_ends_with_its_time) {
  FakeHost host;
  std::vector<OpCode> codes;
  const FiberId id = submit(host, [&](Self self) -> Job {
    auto section = self.shield(10 * kMillisecond);
    codes.push_back(co_await self.delay(1000 * kMillisecond));
    codes.push_back(co_await self.delay(1));
    co_return true;
  });
  host.run();
  host.kernel.cancel(id);
  host.pass(9 * kMillisecond);
  EXPECT_TRUE(codes.empty());
  host.pass(kMillisecond);
  EXPECT_EQ(codes, (std::vector<OpCode>{OpCode::kCancelled, OpCode::kCancelled}));
  expect_clean(host);
}

TEST_P(Shields, an_expired_section_protects_nothing_from_a_later_cancel) {
  FakeHost host;
  OpCode code = OpCode::kOk;
  const FiberId id = submit(host, [&](Self self) -> Job {
    auto section = self.shield(kMillisecond);
    co_await self.delay(5 * kMillisecond);
    code = co_await self.delay(1000 * kMillisecond);
    co_return true;
  });
  host.pass(5 * kMillisecond);
  host.kernel.cancel(id);
  host.run();
  EXPECT_EQ(code, OpCode::kCancelled);
  expect_clean(host);
}

TEST_P(Shields, a_section_opened_after_the_cancel_protects_clean_up) {
  FakeHost host;
  OpCode code = OpCode::kFailed;
  const FiberId id = submit(host, [&](Self self) -> Job {
    co_await self.delay(1000 * kMillisecond);
    auto section = self.shield(50 * kMillisecond);
    code = (co_await self.call()).code;
    co_return false;
  });
  host.run();
  host.kernel.cancel(id);
  host.run();
  EXPECT_EQ(code, OpCode::kOk);
  expect_clean(host);
}

TEST_P(Shields, sections_nest) {
  FakeHost host;
  std::vector<OpCode> codes;
  const FiberId id = submit(host, [&](Self self) -> Job {
    auto outer = self.shield(100 * kMillisecond);
    {
      auto inner = self.shield(2 * kMillisecond);
      codes.push_back(co_await self.delay(10 * kMillisecond));
    }
    codes.push_back(co_await self.delay(kMillisecond));
    co_return true;
  });
  host.run();
  host.kernel.cancel(id);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(codes, (std::vector<OpCode>{OpCode::kCancelled, OpCode::kOk}));
  expect_clean(host);
}

TEST_P(Shields, children_of_a_section_are_protected_with_it) {
  FakeHost host;
  std::vector<OpCode> inside, outside;
  const FiberId id = submit(host, [&](Self self) -> Job {
    Child open = self.submit([&](Self child) -> Job {
      outside.push_back(co_await child.delay(10 * kMillisecond));
      co_return true;
    });
    auto section = self.shield(100 * kMillisecond);
    Child safe = self.submit([&](Self child) -> Job {
      inside.push_back(co_await child.delay(10 * kMillisecond));
      co_return true;
    });
    inside.push_back(co_await self.join(safe));
    co_return true;
  });
  host.pass(kMillisecond);
  host.kernel.cancel(id);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(outside, std::vector<OpCode>{OpCode::kCancelled});
  EXPECT_EQ(inside, (std::vector<OpCode>{OpCode::kOk, OpCode::kOk}));
  expect_clean(host);
}

TEST_P(Shields, children_of_a_section_go_when_it_is_over) {
  for (const bool by_time : {false, true}) {
    FakeHost host;
    OpCode seen = OpCode::kOk;
    const FiberId id = submit(host, [&](Self self) -> Job {
      Child left;
      {
        auto section = self.shield((by_time ? 5 : 100) * kMillisecond);
        left = self.submit([&](Self child) -> Job {
          seen = co_await child.delay(1000 * kMillisecond);
          co_return true;
        });
        co_await self.delay((by_time ? 50 : 5) * kMillisecond);
      }
      co_return true;
    });
    host.run();
    host.kernel.cancel(id);
    host.pass(4 * kMillisecond);
    EXPECT_EQ(host.settled.size(), 1u);
    host.pass(kMillisecond);
    EXPECT_EQ(seen, OpCode::kCancelled);
    EXPECT_EQ(host.settled.size(), 2u);
    expect_clean(host);
  }
}

TEST_P(Shields, a_protected_child_keeps_its_own_clean_up_when_a_grandparent_is_cancelled_too) {
  FakeHost host;
  OpCode seen = OpCode::kFailed;
  FiberId middle = 0;
  const FiberId id = submit(host, [&](Self self) -> Job {
    Child child = self.submit([&](Self inner) -> Job {
      middle = inner.id();
      co_await inner.delay(1000 * kMillisecond);
      auto section = inner.shield(100 * kMillisecond);
      co_return co_await inner.join(inner.submit([&](Self cleaner) -> Job {
        seen = co_await cleaner.delay(10 * kMillisecond);
        co_return true;
      })) == OpCode::kOk;
    });
    co_return co_await self.join(child) == OpCode::kOk;
  });
  host.run();
  host.kernel.cancel(middle);
  host.pass(5 * kMillisecond);
  host.kernel.cancel(id);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(seen, OpCode::kOk);
  expect_clean(host);
}

TEST_P(Shields, streams_opened_in_a_section_close_when_it_is_over) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::opened(); };
  const FiberId id = submit(host, [](Self self) -> Job {
    {
      auto section = self.shield(100 * kMillisecond);
      co_await self.open();
      co_await self.delay(5 * kMillisecond);
    }
    auto section = self.shield(100 * kMillisecond);
    co_await self.delay(5 * kMillisecond);
    co_return true;
  });
  host.run();
  host.kernel.cancel(id);
  host.pass(4 * kMillisecond);
  EXPECT_EQ(host.open_calls(), 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.open_calls(), 0u);
  host.pass(10 * kMillisecond);
  expect_clean(host);
}

TEST(ShieldsOfHostBodies, a_shield_is_its_fibers_alone) {
  FakeHost host;
  const FiberId one = host.kernel.submit({});
  const FiberId two = host.kernel.submit({});
  host.kernel.step(10);
  host.carry_out();
  const ShieldId shield = host.kernel.shield(one, kMillisecond);
  EXPECT_EQ(host.kernel.delay(two, 1, shield), kRefused);
  EXPECT_EQ(host.kernel.yield(two, shield), kRefused);
  SubmitRequest request;
  request.parent = two;
  request.shield = shield;
  EXPECT_EQ(host.kernel.submit(request), 0u);
  host.kernel.ended(one, true);
  // Its fiber is gone, and so is the shield; its number belongs to nobody before the next step.
  EXPECT_EQ(host.kernel.shield(two, kMillisecond) == shield, false);
  host.kernel.unshield(shield);
  EXPECT_EQ(host.kernel.stats().shields, 1u);
  host.kernel.ended(two, true);
  host.run();
  expect_clean(host);
}

// --- Grace and zombies ---

class Zombies : public ::testing::Test {
 protected:
  // A host body that got control and never comes back.
  FiberId lost(FakeHost& host, SubmitRequest request = {}) {
    const FiberId id = host.kernel.submit(request);
    host.run();
    return id;
  }
};

TEST_F(Zombies, a_body_that_ignores_its_cancel_past_its_grace_loses_its_slot) {
  KernelConfig config = with_grace(10 * kMillisecond);
  config.max_tasks = 1;
  FakeHost host(config);
  const FiberId id = lost(host);
  const FiberId next = host.submit([](Self) -> Job { co_return true; });
  host.kernel.cancel(id);
  host.pass(9 * kMillisecond);
  EXPECT_EQ(host.kernel.stats().unwinding, 1u);
  EXPECT_FALSE(host.is_settled(next));
  host.pass(kMillisecond);
  EXPECT_EQ(host.became_zombie, std::vector<FiberId>{id});
  EXPECT_EQ(host.kernel.stats().zombies, 1u);
  EXPECT_EQ(host.kernel.stats().unwinding, 0u);
  EXPECT_EQ(host.outcome(next), Outcome::kCompleted);
}

TEST_F(Zombies, one_that_ends_after_all_is_none_any_more) {
  FakeHost host(with_grace(10 * kMillisecond));
  const FiberId id = lost(host);
  host.kernel.cancel(id);
  host.pass(10 * kMillisecond);
  host.kernel.ended(id, true);
  host.run();
  EXPECT_EQ(host.no_zombie, std::vector<FiberId>{id});
  EXPECT_EQ(host.ended, std::vector<FiberId>{id});
  EXPECT_EQ(host.outcome(id), Outcome::kCancelled);
  EXPECT_EQ(host.kernel.stats().cancelled, 1u);
  expect_clean(host);
}

TEST_F(Zombies, max_zombies_pauses_admission_until_one_ends) {
  KernelConfig config = with_grace(kMillisecond);
  config.max_zombies = 1;
  FakeHost host(config);
  const FiberId id = lost(host);
  host.kernel.cancel(id);
  host.pass(kMillisecond);
  const FiberId next = host.submit([](Self) -> Job { co_return true; });
  host.pass(100 * kMillisecond);
  EXPECT_EQ(host.kernel.state(next), FiberState::kPending);
  const auto facts = host.kernel.explain(next);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].reason, WaitReason::kZombies);
  EXPECT_EQ(facts[0].limit, 1u);
  EXPECT_EQ(facts[0].fibers, std::vector<FiberId>{id});
  host.kernel.ended(id, false);
  host.run();
  EXPECT_EQ(host.outcome(next), Outcome::kCompleted);
  expect_clean(host);
}

TEST_F(Zombies, nobody_waits_for_one_any_more) {
  FakeHost host(with_grace(kMillisecond));
  FiberId child = 0;
  const FiberId parent = host.submit([&](Self self) -> Job {
    SubmitRequest request;
    request.parent = self.id();
    child = self.kernel().submit(request);
    co_return true;
  });
  host.run();
  host.kernel.cancel(child);
  EXPECT_FALSE(host.is_settled(parent));
  host.pass(kMillisecond);
  EXPECT_EQ(host.outcome(parent), Outcome::kCompleted);
  // Who asks later gets the answer at once.
  const FiberId outside = host.kernel.outside();
  EXPECT_GT(host.kernel.wait(outside, WaitMode::kEnded, &child, 1), 0);
  u64 resumed = host.runs_count;
  host.run();
  EXPECT_EQ(host.runs_count, resumed + 1);
  host.kernel.outside_done(outside);
  host.kernel.ended(child, true);
  host.run();
  expect_clean(host);
}

TEST_F(Zombies, a_body_that_is_over_never_becomes_one_for_its_children) {
  FakeHost host(with_grace(5 * kMillisecond));
  FiberId child = 0;
  SubmitRequest patient;
  patient.grace = 50 * kMillisecond;
  const FiberId parent = host.submit([&](Self self) -> Job {
    SubmitRequest request = patient;
    request.parent = self.id();
    child = self.kernel().submit(request);
    co_await self.delay(1000 * kMillisecond);
    co_return false;
  });
  host.run();
  host.kernel.cancel(parent);
  host.pass(20 * kMillisecond);
  EXPECT_TRUE(host.became_zombie.empty());
  host.pass(40 * kMillisecond);
  EXPECT_EQ(host.became_zombie, std::vector<FiberId>{child});
  EXPECT_EQ(host.ended, std::vector<FiberId>{parent});
  host.kernel.ended(child, true);
  host.run();
  expect_clean(host);
}

TEST_F(Zombies, who_waits_for_a_scope_that_unwinds_is_not_to_blame) {
  FakeHost host(with_grace(10 * kMillisecond));
  FiberId scope = 0;
  const FiberId parent = host.kernel.submit({});
  host.run();
  SubmitRequest request;
  request.parent = parent;
  request.kind = FiberKind::kScope;
  scope = host.kernel.submit(request);
  ASSERT_GT(host.kernel.wait(parent, WaitMode::kEnded, &scope, 1), 0);
  host.run();
  host.kernel.cancel(parent);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.became_zombie, std::vector<FiberId>{scope});
  host.kernel.ended(parent, false);
  host.kernel.ended(scope, false);
  host.run();
  EXPECT_EQ(host.became_zombie.size(), 1u);
  expect_clean(host);
}

TEST_F(Zombies, time_in_a_shield_does_not_count_as_grace) {
  FakeHost host(with_grace(10 * kMillisecond));
  const FiberId id = lost(host);
  host.kernel.cancel(id);
  host.pass(6 * kMillisecond);
  const ShieldId shield = host.kernel.shield(id, 100 * kMillisecond);
  host.pass(50 * kMillisecond);
  EXPECT_TRUE(host.became_zombie.empty());
  host.kernel.unshield(shield);
  host.pass(3 * kMillisecond);
  EXPECT_TRUE(host.became_zombie.empty());
  host.pass(kMillisecond);
  EXPECT_EQ(host.became_zombie.size(), 1u);
  host.kernel.ended(id, true);
  host.run();
  expect_clean(host);
}

TEST_F(Zombies, a_grace_of_nothing_still_lets_a_body_be_told) {
  FakeHost host(with_grace(0));
  const FiberId id =
      host.submit([](Self self) -> Job { co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk; });
  host.run();
  host.kernel.cancel(id);
  host.run();
  EXPECT_TRUE(host.became_zombie.empty());
  expect_clean(host);
}

TEST_F(Zombies, an_own_grace_counts_more_than_the_configured_one) {
  FakeHost host(with_grace(100 * kMillisecond));
  SubmitRequest request;
  request.grace = kMillisecond;
  const FiberId id = lost(host, request);
  host.kernel.cancel(id);
  host.pass(kMillisecond);
  EXPECT_EQ(host.became_zombie.size(), 1u);
  host.kernel.ended(id, true);
  host.run();
  expect_clean(host);
}

TEST_F(Zombies, a_native_body_that_ignores_its_cancel_becomes_one_too) {
  FakeHost host(with_grace(5 * kMillisecond));
  bool let_go = false;
  host.step_limit = 100;
  const FiberId id = host.submit(BodyKind::kNative, {}, [&](Self self) -> Job {
    while (!let_go) co_await self.yield();
    co_return true;
  });
  for (int i = 0; i < 5; ++i) host.turn();
  host.kernel.cancel(id);
  for (Time now = 1; now <= 5; ++now) {
    EXPECT_TRUE(host.became_zombie.empty());
    host.kernel.set_time(now * kMillisecond);
    host.turn();
  }
  EXPECT_EQ(host.became_zombie, std::vector<FiberId>{id});
  let_go = true;
  host.run();
  EXPECT_EQ(host.no_zombie, std::vector<FiberId>{id});
  expect_clean(host);
}

}  // namespace
}  // namespace heddle::testing
