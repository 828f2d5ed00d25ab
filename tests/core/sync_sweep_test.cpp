// The interruption sweep of the objects at which fibers wait: small programs at each primitive, whose fibers are
// interrupted one by one, in each way, at each of the kernel's steps and at each moment of its clock: before what they
// wait for comes, as it comes, and after. Each operation has then happened wholly or not at all, the others go on, and
// nothing is left.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "support/fake_host.h"

namespace heddle::testing {
namespace {

struct Setting {
  BodyKind body;
  DispatchPolicy dispatch;
  u32 max_tasks;
};

std::string setting_name(const ::testing::TestParamInfo<Setting>& info) {
  static constexpr const char* kDispatch[] = {"rr", "fair", "random", "prio"};
  return std::string(info.param.body == BodyKind::kNative ? "native" : "host") + "_" +
         kDispatch[static_cast<u32>(info.param.dispatch)] + "_" + std::to_string(info.param.max_tasks);
}

// One run: the objects, and what the jobs did.
class World {
 public:
  explicit World(const Setting& setting) : host(config_of(setting)), body_(setting.body) {
    host.on_effect = [this](const Command& command) {
      if (command.type == CommandType::kDropped) {
        EXPECT_EQ(kept.erase(command.a), 1u) << "dropped twice, or received";
      }
      EXPECT_NE(command.type, CommandType::kNotReleased);
    };
  }

  static KernelConfig config_of(const Setting& setting) {
    KernelConfig config;
    config.dispatch = setting.dispatch;
    config.max_tasks = setting.max_tasks;
    config.grace = 100 * kMillisecond;
    return config;
  }

  SyncId make(SyncKind kind, u32 limit) {
    objects.push_back(host.kernel.make_object(kind, limit));
    return objects.back();
  }
  void submit(JobFunction function) {
    SubmitRequest request;
    if (fibers.size() + 1 == victim) request.deadline = deadline;
    fibers.push_back(host.submit(body_, request, std::move(function)));
  }
  // Numbers of fibers are not used again: all are submitted first.
  bool is_live(FiberId fiber) const {
    const FiberState state = host.kernel.state(fiber);
    return state != FiberState::kFree && state < FiberState::kCompleted;
  }
  // The timeout of an operation of the job that is submitted next.
  Time own_timeout() const { return fibers.size() + 1 == victim ? op_timeout : 0; }

  // What an operation that sends must see: the value is the kernel's until it is received, dropped or refused.
  void sends(u32 token) { EXPECT_TRUE(kept.insert(token).second); }
  void has_sent(u32 token, const Synced& how) {
    if (how.ok()) said_sent.insert(token);
    if (how.answer < 0 && how.answer != kDone) kept.erase(token);
  }
  void received(u32 token) {
    EXPECT_EQ(kept.erase(token), 1u) << "received twice, or dropped";
    got.insert(token);
  }

  FakeHost host;
  std::vector<SyncId> objects;
  std::vector<FiberId> fibers;
  u32 victim = 0;  // the n-th fiber
  Time op_timeout = 0;
  Time deadline = -1;
  u32 inside = 0;
  u32 passed = 0;
  std::set<u32> kept, said_sent, got;

 private:
  BodyKind body_;
};

using Program = void (*)(World&);

// --- Programs. Who is not interrupted completes.

void locks(World& world) {
  const SyncId mutex = world.make(SyncKind::kMutex, 0);
  for (u32 i = 0; i < 3; ++i) {
    world.submit([&world, mutex, timeout = world.own_timeout()](Self self) -> Job {
      for (u32 round = 0; round < 2; ++round) {
        const Synced locked = co_await self.sync(SyncAct::kLock, mutex, 0, timeout);
        if (!locked.ok()) co_return false;
        EXPECT_EQ(++world.inside, 1u);
        co_await self.delay(kMillisecond / 2);
        --world.inside;
        EXPECT_EQ(self.sync_now(SyncDo::kUnlock, mutex), kDone);
        co_await self.yield();
      }
      co_return !self.is_cancelled();
    });
  }
}

void acquires(World& world) {
  const SyncId semaphore = world.make(SyncKind::kSemaphore, 3);
  for (const u32 permits : {2U, 3U, 1U, 2U}) {
    world.submit([&world, semaphore, permits, timeout = world.own_timeout()](Self self) -> Job {
      const Synced acquired = co_await self.sync(SyncAct::kAcquire, semaphore, permits, timeout);
      if (!acquired.ok()) co_return false;
      world.inside += permits;
      EXPECT_LE(world.inside, 3u);
      co_await self.delay(kMillisecond / 2);
      world.inside -= permits;
      EXPECT_EQ(self.sync_now(SyncDo::kGive, semaphore, permits), kDone);
      co_return true;
    });
  }
}

void takes(World& world) {
  const SyncId ivar = world.make(SyncKind::kIvar, 0);
  for (u32 i = 0; i < 3; ++i) {
    world.submit([ivar, timeout = world.own_timeout()](Self self) -> Job {
      const Synced taken = co_await self.sync(SyncAct::kTake, ivar, 0, timeout);
      EXPECT_EQ(taken.value, taken.ok() ? 7u : 0u);
      co_return taken.ok();
    });
  }
  // Two, for one may end before it begins.
  for (u32 i = 0; i < 2; ++i) {
    world.submit([&world, ivar](Self self) -> Job {
      co_await self.delay(kMillisecond);
      const bool is_first = world.kept.insert(7).second;
      EXPECT_EQ(self.sync_now(SyncDo::kPut, ivar, 7), is_first ? kDone : kIsFull);
      co_return true;
    });
  }
}

void meets(World& world, u32 limit) {
  const SyncId channel = world.make(SyncKind::kChannel, limit);
  for (u32 sender = 1; sender <= 2; ++sender) {
    world.submit([&world, channel, sender, timeout = world.own_timeout()](Self self) -> Job {
      bool went_well = true;
      for (u32 i = 0; i < 3; ++i) {
        const u32 token = sender * 10 + i;
        world.sends(token);
        const Synced sent = co_await self.sync(SyncAct::kSend, channel, token, timeout);
        world.has_sent(token, sent);
        went_well = went_well && sent.ok();
      }
      co_return went_well;
    });
  }
  for (u32 receiver = 0; receiver < 2; ++receiver) {
    world.submit([&world, channel, timeout = world.own_timeout()](Self self) -> Job {
      for (;;) {
        const Synced received = co_await self.sync(SyncAct::kReceive, channel, 0, timeout);
        if (received.code == OpCode::kClosed) co_return true;
        if (!received.ok()) co_return false;
        world.received(received.value);
        co_await self.delay(kMillisecond / 4);
      }
    });
  }
  const FiberId first = world.fibers[0];
  const FiberId second = world.fibers[1];
  // Two, for one may end before it begins.
  for (u32 i = 0; i < 2; ++i) {
    world.submit([&world, channel, first, second](Self self) -> Job {
      auto section = self.shield(50 * kMillisecond);
      while (world.is_live(first) || world.is_live(second)) {
        co_await self.delay(kMillisecond);
      }
      EXPECT_EQ(self.sync_now(SyncDo::kClose, channel), kDone);
      co_return true;
    });
  }
}

void meets_without_buffer(World& world) { meets(world, 0); }
void meets_with_buffer(World& world) { meets(world, 1); }

void passes(World& world) {
  const SyncId barrier = world.make(SyncKind::kBarrier, 2);
  for (u32 i = 0; i < 4; ++i) {
    // Who is alone at the end gives up.
    world.submit([&world, barrier, i, timeout = world.own_timeout()](Self self) -> Job {
      for (u32 round = 0; round < 2; ++round) {
        co_await self.delay((i + 1) * kMillisecond / 4);
        const Synced passed =
            co_await self.sync(SyncAct::kPass, barrier, 0, timeout != 0 ? timeout : 20 * kMillisecond);
        world.passed += passed.ok() ? 1 : 0;
        if (passed.code == OpCode::kCancelled) co_return false;
      }
      co_return true;
    });
  }
}

// Waits for something of each kind at once, twice over.
void selects(World& world) {
  const SyncId mutex = world.make(SyncKind::kMutex, 0);
  const SyncId semaphore = world.make(SyncKind::kSemaphore, 2);
  const SyncId channel = world.make(SyncKind::kChannel, 0);
  const SyncId barrier = world.make(SyncKind::kBarrier, 3);
  world.submit([mutex, semaphore](Self self) -> Job {
    const Synced locked = co_await self.sync(SyncAct::kLock, mutex);
    const Synced acquired = co_await self.sync(SyncAct::kAcquire, semaphore, 2);
    co_await self.delay(kMillisecond / 2);
    if (acquired.ok()) self.sync_now(SyncDo::kGive, semaphore, 1);
    co_await self.delay(kMillisecond / 2);
    if (locked.ok()) self.sync_now(SyncDo::kUnlock, mutex);
    co_await self.yield();
    if (acquired.ok()) self.sync_now(SyncDo::kGive, semaphore, 1);
    co_return true;
  });
  for (u32 i = 1; i <= 3; ++i) {
    world.submit([&world, mutex, semaphore, channel, barrier, i, timeout = world.own_timeout()](Self self) -> Job {
      for (u32 round = 0; round < 2; ++round) {
        const u32 token = i * 10 + round;
        std::vector<SyncCase> cases = {{SyncAct::kLock, mutex},      {SyncAct::kAcquire, semaphore, 1},
                                       {SyncAct::kReceive, channel}, {SyncAct::kSend, channel, token},
                                       {SyncAct::kPass, barrier},    {SyncAct::kAcquire, semaphore, 2},
                                       {SyncAct::kReceive, channel}};
        world.sends(token);
        const Synced done = co_await self.select(std::move(cases), timeout);
        // What was done at once in another way leaves the value with its sender, and nobody tells it.
        if (done.answer == kDone && done.index != 3) world.kept.erase(token);
        if (done.ok() ? done.index == 3 : done.answer < 0) world.has_sent(token, done);
        if (!done.ok()) co_return false;
        if (done.index == 2 || done.index == 6) world.received(done.value);
        co_await self.delay(kMillisecond / 4);
        i32 answer = kDone;
        if (done.index == 0) answer = self.sync_now(SyncDo::kUnlock, mutex);
        if (done.index == 1) answer = self.sync_now(SyncDo::kGive, semaphore, 1);
        if (done.index == 5) answer = self.sync_now(SyncDo::kGive, semaphore, 2);
        EXPECT_EQ(answer, kDone);
      }
      co_return !self.is_cancelled();
    });
  }
}

constexpr Program kPrograms[] = {locks, acquires, takes, meets_without_buffer, meets_with_buffer, passes, selects};
constexpr const char* kNames[] = {"locks",  "acquires", "takes", "meets without buffer", "meets with buffer",
                                  "passes", "selects"};

class SyncSweep : public ::testing::TestWithParam<Setting> {
 protected:
  // All is over: who was left alone has completed, and nothing is left anywhere.
  static void expect_over(World& world) {
    FakeHost& host = world.host;
    host.pass(200 * kMillisecond);
    for (u32 n = 1; n <= world.fibers.size(); ++n) {
      const FiberId id = world.fibers[n - 1];
      EXPECT_TRUE(host.is_settled(id)) << "fiber " << n;
      EXPECT_TRUE(n == world.victim || host.outcome(id) == Outcome::kCompleted) << "fiber " << n;
    }
    expect_clean(host);
    EXPECT_TRUE(host.became_zombie.empty());
    EXPECT_EQ(host.kernel.stats().sync_links, 0u);
    EXPECT_EQ(world.inside, 0u);
    EXPECT_EQ(world.passed % 2, 0u);
    EXPECT_EQ(world.said_sent, world.got);
    for (const SyncId id : world.objects) {
      EXPECT_EQ(host.kernel.holder(id), 0u);
      host.kernel.release_object(id);
    }
    host.effects();
    EXPECT_TRUE(world.kept.empty());
    for (const u32 count : host.kernel.stats().objects) EXPECT_EQ(count, 0u);
    EXPECT_EQ(host.kernel.broken_invariant(), "");
  }

  // Runs a program with one interruption after the n-th step; gives false if it ended before.
  static bool interrupted_after(u32 n, Program program, u32 victim,
                                const std::function<void(FakeHost&, FiberId)>& how) {
    World world(GetParam());
    world.victim = victim;
    FakeHost& host = world.host;
    host.step_limit = 1;
    program(world);
    if (victim > world.fibers.size()) return false;
    for (u32 steps = 0; steps < n; ++steps) {
      if (!host.turn() && !host.wait_for_next()) return false;
    }
    how(host, world.fibers[victim - 1]);
    host.effects();
    expect_over(world);
    return true;
  }

  // After each step and for each fiber. Gives the number of interruptions.
  static u32 sweep(const std::function<void(FakeHost&, FiberId)>& how) {
    u32 count = 0;
    for (u32 program = 0; program < std::size(kPrograms); ++program) {
      for (u32 victim = 1; victim <= 6; ++victim) {
        for (u32 n = 0; interrupted_after(n, kPrograms[program], victim, how); ++n) {
          ++count;
          if (!HasFailure()) continue;
          ADD_FAILURE() << kNames[program] << ": fiber " << victim << ", after step " << n;
          return count;
        }
      }
    }
    return count;
  }
};

INSTANTIATE_TEST_SUITE_P(Settings, SyncSweep,
                         ::testing::Values(Setting{BodyKind::kHost, DispatchPolicy::kRoundRobin, 64},
                                           Setting{BodyKind::kHost, DispatchPolicy::kRandom, 1},
                                           Setting{BodyKind::kNative, DispatchPolicy::kRoundRobin, 64},
                                           Setting{BodyKind::kNative, DispatchPolicy::kPriority, 2}),
                         setting_name);

TEST_P(SyncSweep, all_complete_when_left_alone) {
  for (const Program program : kPrograms) {
    World world(GetParam());
    program(world);
    expect_over(world);
  }
}

TEST_P(SyncSweep, a_cancel_at_each_step_is_whole_or_nothing) {
  EXPECT_GT(sweep([](FakeHost& host, FiberId victim) { host.kernel.cancel(victim); }), 500u);
}

TEST_P(SyncSweep, an_abort_at_each_step_is_whole_or_nothing) {
  EXPECT_GT(sweep([](FakeHost& host, FiberId victim) {
              for (OpId op = 1; op < 20; ++op) {
                if (host.kernel.fiber_of(op) == victim) host.kernel.abort_op(op);
              }
            }),
            500u);
}

TEST_P(SyncSweep, a_cancel_before_each_command_is_whole_or_nothing) {
  for (u32 program = 0; program < std::size(kPrograms); ++program) {
    for (u32 victim = 1; victim <= 3; ++victim) {
      bool came = true;
      for (u64 n = 1; came; ++n) {
        World world(GetParam());
        world.victim = victim;
        came = false;
        world.host.on_run = [&](const Command&) {
          if (world.host.runs_count + 1 != n) return;
          came = true;
          world.host.kernel.cancel(world.fibers[victim - 1]);
        };
        kPrograms[program](world);
        expect_over(world);
        ASSERT_FALSE(HasFailure()) << kNames[program] << ": fiber " << victim << ", before command " << n;
      }
    }
  }
}

// The clock of the programs goes in quarters of a millisecond: every other timeout comes at the very moment at which
// something happens.
TEST_P(SyncSweep, a_timeout_at_each_moment_is_whole_or_nothing) {
  for (u32 program = 0; program < std::size(kPrograms); ++program) {
    for (u32 victim = 1; victim <= 6; ++victim) {
      for (Time limit = kMillisecond / 8; limit < 6 * kMillisecond; limit += kMillisecond / 8) {
        for (const bool is_of_fiber : {false, true}) {
          World world(GetParam());
          world.victim = victim;
          if (is_of_fiber) {
            world.deadline = limit;
          } else {
            world.op_timeout = limit;
          }
          kPrograms[program](world);
          expect_over(world);
          ASSERT_FALSE(HasFailure()) << kNames[program] << ": fiber " << victim << ", limit " << limit
                                     << (is_of_fiber ? " of the fiber" : " of its operations");
        }
      }
    }
  }
}

}  // namespace
}  // namespace heddle::testing
