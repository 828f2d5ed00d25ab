// Native bodies: turns, preemption, and what a switch costs.
#include "heddle/job.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "support/fake_host.h"

namespace {
std::size_t g_allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++g_allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace heddle::testing {
namespace {

std::string interleaving(DispatchPolicy dispatch, u32 quantum, u32 tick) {
  KernelConfig config;
  config.dispatch = dispatch;
  config.quantum = quantum;
  FakeHost host(config);
  std::string order;
  for (const char name : {'a', 'b'}) {
    host.submit(BodyKind::kNative, {}, [&order, name, tick](Self self) -> Job {
      for (int i = 0; i < 4; ++i) {
        order += name;
        co_await self.tick(tick);
      }
      co_return true;
    });
  }
  host.run();
  expect_clean(host);
  return order;
}

TEST(JobTest, round_robin_never_preempts) {
  EXPECT_EQ(interleaving(DispatchPolicy::kRoundRobin, 1, 100), "aaaabbbb");
  EXPECT_EQ(interleaving(DispatchPolicy::kPriority, 1, 100), "aaaabbbb");
}

TEST(JobTest, fair_round_robin_preempts_after_its_quantum) {
  EXPECT_EQ(interleaving(DispatchPolicy::kFairRoundRobin, 1, 1), "abababab");
  EXPECT_EQ(interleaving(DispatchPolicy::kFairRoundRobin, 20, 10), "aabbaabb");
  EXPECT_EQ(interleaving(DispatchPolicy::kFairRoundRobin, 25, 10), "aaabbbab");
  EXPECT_EQ(interleaving(DispatchPolicy::kFairRoundRobin, 1000, 10), "aaaabbbb");
  EXPECT_EQ(interleaving(DispatchPolicy::kFairRoundRobin, 1000, UINT32_MAX), "abababab");
}

TEST(JobTest, a_yield_gives_the_turn_up_at_once_and_begins_a_new_quantum) {
  KernelConfig config;
  config.dispatch = DispatchPolicy::kFairRoundRobin;
  config.quantum = 3;
  FakeHost host(config);
  std::string order;
  for (const char name : {'a', 'b'}) {
    host.submit(BodyKind::kNative, {}, [&order, name](Self self) -> Job {
      for (int i = 0; i < 2; ++i) {
        order += name;
        co_await self.tick(2);
        order += name;
        co_await self.yield();
      }
      co_return true;
    });
  }
  host.run();
  EXPECT_EQ(order, "aabbaabb");
}

TEST(JobTest, a_computation_is_cancelled_at_its_next_tick) {
  KernelConfig config;
  config.dispatch = DispatchPolicy::kFairRoundRobin;
  config.quantum = 10;
  FakeHost host(config);
  host.step_limit = 5;
  OpCode code = OpCode::kOk;
  const FiberId id = host.submit(BodyKind::kNative, {}, [&](Self self) -> Job {
    while (code == OpCode::kOk) code = co_await self.tick();
    co_return false;
  });
  for (int i = 0; i < 10; ++i) host.turn();
  EXPECT_EQ(code, OpCode::kOk);
  host.kernel.cancel(id);
  host.run();
  EXPECT_EQ(code, OpCode::kCancelled);
  expect_clean(host);
}

TEST(JobTest, switches_allocate_nothing_once_warm) {
  for (const auto dispatch : {DispatchPolicy::kRoundRobin, DispatchPolicy::kFairRoundRobin, DispatchPolicy::kRandom,
                              DispatchPolicy::kPriority}) {
    KernelConfig config = roomy();
    config.dispatch = dispatch;
    Kernel kernel(config);
    constexpr u32 kFibers = 1000;
    for (u32 i = 0; i < kFibers; ++i) {
      submit_job(kernel, {}, [](Self self) -> Job {
        for (;;) {
          if (co_await self.yield() != OpCode::kOk) co_return false;
        }
      });
    }
    kernel.step(20 * kFibers);
    const std::size_t before = g_allocations;
    kernel.step(100 * kFibers);
    EXPECT_EQ(g_allocations, before);
  }
}

TEST(JobTest, delays_allocate_nothing_once_warm) {
  KernelConfig config = roomy();
  config.virtual_time = true;
  Kernel kernel(config);
  constexpr u32 kFibers = 1000;
  for (u32 i = 0; i < kFibers; ++i) {
    submit_job(kernel, {}, [i](Self self) -> Job {
      for (;;) {
        if (co_await self.delay(1 + i % 7) != OpCode::kOk) co_return false;
      }
    });
  }
  const auto steps = [&kernel](u32 count) {
    for (u32 i = 0; i < count; ++i) {
      kernel.step(kFibers);
      while (!kernel.effects().empty()) kernel.effects().pop();
    }
  };
  steps(50);
  const std::size_t before = g_allocations;
  steps(50);
  EXPECT_EQ(g_allocations, before);
}

TEST(JobTest, a_handle_keeps_an_ended_childs_record) {
  FakeHost host;
  FiberState state = FiberState::kFree;
  OpCode code = OpCode::kFailed;
  u32 kept = 0;
  host.submit(BodyKind::kNative, {}, [&](Self self) -> Job {
    {
      Child child = self.submit([](Self) -> Job { co_return true; });
      co_await self.delay(kMillisecond);
      state = child.state();
      code = co_await self.join(child);
      Child moved = std::move(child);
      kept = self.kernel().stats().fibers;
    }
    kept = kept * 10 + self.kernel().stats().fibers;
    co_return true;
  });
  host.pass(kMillisecond);
  EXPECT_EQ(state, FiberState::kCompleted);
  EXPECT_EQ(code, OpCode::kOk);
  EXPECT_EQ(kept, 21u);
  expect_clean(host);
}

TEST(JobTest, captures_of_a_job_that_never_ran_are_destroyed_with_it) {
  struct Flag {
    explicit Flag(int* counter) : count(counter) {}
    ~Flag() { ++*count; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;
    int* count;
  };
  int destroyed = 0;
  FakeHost host(with_tasks(0));
  auto flag = std::make_shared<Flag>(&destroyed);
  const FiberId id = host.submit(BodyKind::kNative, {}, [flag](Self) -> Job { co_return true; });
  flag.reset();
  EXPECT_EQ(destroyed, 0);
  host.kernel.cancel(id);
  EXPECT_EQ(destroyed, 1);
  host.run();
  expect_clean(host);
}

TEST(JobTest, a_million_fibers_fit) {
  constexpr u32 kFibers = 1'000'000;
  KernelConfig config = roomy();
  config.virtual_time = true;
  Kernel kernel(config);
  for (u32 i = 0; i < kFibers; ++i) {
    submit_job(kernel, {}, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  }
  while (kernel.step(UINT32_MAX) || kernel.stats().timers > 0) {
    while (!kernel.effects().empty()) kernel.effects().pop();
  }
  EXPECT_EQ(kernel.stats().completed, kFibers);
}

}  // namespace
}  // namespace heddle::testing
