// Objects at which fibers wait for each other: order, hand-off, cancel, and what becomes of values and permits.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Sync : public BothBodies {
 protected:
  // What the jobs did, in order.
  std::vector<std::string> log;
  void say(const std::string& word, u32 number) { log.push_back(word + " " + std::to_string(number)); }
  using Log = std::vector<std::string>;
};
INSTANTIATE_TEST_SUITE_P(Bodies, Sync, kBothBodies, body_name);

TEST_P(Sync, a_mutex_is_handed_over_in_order) {
  FakeHost host;
  const SyncId mutex = host.kernel.make_object(SyncKind::kMutex, 0);
  for (u32 i = 1; i <= 4; ++i) {
    submit(host, [this, mutex, i](Self self) -> Job {
      const Synced locked = co_await self.sync(SyncAct::kLock, mutex);
      say("lock", i);
      EXPECT_TRUE(locked.ok());
      EXPECT_EQ(self.kernel().holder(mutex), self.id());
      co_await self.delay(kMillisecond);
      say("unlock", i);
      EXPECT_EQ(self.sync_now(SyncDo::kUnlock, mutex), kDone);
      co_return true;
    });
  }
  host.pass(10 * kMillisecond);
  EXPECT_EQ(log, (Log{"lock 1", "unlock 1", "lock 2", "unlock 2", "lock 3", "unlock 3", "lock 4", "unlock 4"}));
  EXPECT_EQ(host.kernel.holder(mutex), 0U);
}

TEST_P(Sync, a_mutex_refuses_its_holder_and_those_who_do_not_hold_it) {
  FakeHost host;
  const SyncId mutex = host.kernel.make_object(SyncKind::kMutex, 0);
  submit(host, [this, mutex](Self self) -> Job {
    EXPECT_EQ(self.sync_now(SyncDo::kUnlock, mutex), kNotHeld);
    co_await self.sync(SyncAct::kLock, mutex);
    const Synced again = co_await self.sync(SyncAct::kLock, mutex);
    EXPECT_EQ(again.answer, kReentry);
    co_await self.delay(2 * kMillisecond);
    say("over", 1);
    co_return true;
  });
  submit(host, [this, mutex](Self self) -> Job {
    co_await self.delay(kMillisecond);
    EXPECT_EQ(self.sync_now(SyncDo::kUnlock, mutex), kNotHeld);
    const Synced tried = co_await self.try_sync(SyncAct::kLock, mutex);
    EXPECT_EQ(tried.answer, kWouldWait);
    const Synced late = co_await self.sync(SyncAct::kLock, mutex, 0, kMillisecond / 2);
    EXPECT_EQ(late.code, OpCode::kTimeout);
    // The first one ends with it.
    const Synced locked = co_await self.sync(SyncAct::kLock, mutex);
    EXPECT_TRUE(locked.ok());
    say("locked", 2);
    co_return true;
  });
  host.pass(10 * kMillisecond);
  EXPECT_EQ(log, (Log{"over 1", "locked 2"}));
  EXPECT_EQ(host.kernel.holder(mutex), 0U);
}

TEST_P(Sync, a_large_request_for_permits_is_not_starved) {
  FakeHost host;
  const SyncId semaphore = host.kernel.make_object(SyncKind::kSemaphore, 3);
  for (const u32 permits : {2U, 3U, 1U}) {
    submit(host, [this, semaphore, permits](Self self) -> Job {
      co_await self.sync(SyncAct::kAcquire, semaphore, permits);
      say("has", permits);
      co_await self.delay(kMillisecond);
      EXPECT_EQ(self.sync_now(SyncDo::kGive, semaphore, permits), kDone);
      co_return true;
    });
  }
  host.run();
  EXPECT_EQ(log, (Log{"has 2"}));
  EXPECT_EQ(host.kernel.object_count(semaphore), 1U);
  host.pass(kMillisecond);
  EXPECT_EQ(log, (Log{"has 2", "has 3"}));
  host.pass(kMillisecond);
  EXPECT_EQ(log, (Log{"has 2", "has 3", "has 1"}));
  host.pass(kMillisecond);
  EXPECT_EQ(host.kernel.object_count(semaphore), 3U);
}

TEST_P(Sync, who_stands_behind_a_request_that_is_cancelled_goes) {
  FakeHost host;
  const SyncId semaphore = host.kernel.make_object(SyncKind::kSemaphore, 3);
  FiberId large = 0;
  for (const u32 permits : {2U, 3U, 1U}) {
    const FiberId id = submit(host, [this, semaphore, permits](Self self) -> Job {
      const Synced acquired = co_await self.sync(SyncAct::kAcquire, semaphore, permits);
      say(acquired.ok() ? "has" : "has not", permits);
      if (acquired.ok()) co_await self.delay(kMillisecond);
      co_return true;
    });
    if (permits == 3) large = id;
  }
  host.run();
  host.kernel.cancel(large);
  host.run();
  EXPECT_EQ(log.back(), "has 1");
}

TEST_P(Sync, permits_are_never_minted) {
  FakeHost host;
  const SyncId semaphore = host.kernel.make_object(SyncKind::kSemaphore, 2);
  EXPECT_EQ(host.kernel.make_object(SyncKind::kSemaphore, 0), 0U);
  submit(host, [semaphore](Self self) -> Job {
    EXPECT_EQ(self.sync_now(SyncDo::kGive, semaphore, 1), kTooLarge);
    EXPECT_EQ(self.sync_now(SyncDo::kGive, semaphore, 0), kTooLarge);
    const Synced much = co_await self.sync(SyncAct::kAcquire, semaphore, 3);
    EXPECT_EQ(much.answer, kTooLarge);
    const Synced none = co_await self.sync(SyncAct::kAcquire, semaphore, 0);
    EXPECT_EQ(none.answer, kTooLarge);
    co_return true;
  });
  host.run();
}

TEST_P(Sync, an_ivar_is_written_once_and_read_by_all) {
  FakeHost host;
  const SyncId ivar = host.kernel.make_object(SyncKind::kIvar, 0);
  for (u32 i = 0; i < 2; ++i) {
    submit(host, [this, ivar](Self self) -> Job {
      const Synced taken = co_await self.sync(SyncAct::kTake, ivar);
      say("took", taken.value);
      co_return true;
    });
  }
  host.run();
  EXPECT_EQ(host.kernel.sync_now(0, SyncDo::kPut, ivar, 7), kDone);
  EXPECT_EQ(host.kernel.sync_now(0, SyncDo::kPut, ivar, 8), kIsFull);
  submit(host, [this, ivar](Self self) -> Job {
    const Synced taken = co_await self.sync(SyncAct::kTake, ivar);
    say("took", taken.value);
    co_return true;
  });
  host.run();
  EXPECT_EQ(log, (Log{"took 7", "took 7", "took 7"}));
}

TEST_P(Sync, a_channel_keeps_order_at_any_capacity) {
  for (const u32 capacity : {0U, 1U, 3U, 100U}) {
    FakeHost host;
    log.clear();
    const SyncId channel = host.kernel.make_object(SyncKind::kChannel, capacity);
    submit(host, [channel](Self self) -> Job {
      for (u32 i = 1; i <= 20; ++i) {
        const Synced sent = co_await self.sync(SyncAct::kSend, channel, i);
        EXPECT_TRUE(sent.ok());
      }
      EXPECT_EQ(self.sync_now(SyncDo::kClose, channel), kDone);
      const Synced late = co_await self.sync(SyncAct::kSend, channel, 99);
      EXPECT_EQ(late.answer, kIsClosed);
      co_return true;
    });
    submit(host, [this, channel](Self self) -> Job {
      for (;;) {
        const Synced received = co_await self.sync(SyncAct::kReceive, channel);
        if (!received.ok()) {
          EXPECT_EQ(received.code, OpCode::kClosed);
          break;
        }
        say("got", received.value);
      }
      co_return true;
    });
    host.run();
    ASSERT_EQ(log.size(), 20U) << capacity;
    for (u32 i = 1; i <= 20; ++i) EXPECT_EQ(log[i - 1], "got " + std::to_string(i));
    EXPECT_EQ(host.kernel.stats().sync_links, 0U);
  }
}

TEST_P(Sync, what_blocked_senders_hold_is_received_after_a_close) {
  FakeHost host;
  const SyncId channel = host.kernel.make_object(SyncKind::kChannel, 1);
  for (u32 i = 1; i <= 3; ++i) {
    submit(host, [channel, i](Self self) -> Job {
      const Synced sent = co_await self.sync(SyncAct::kSend, channel, i);
      EXPECT_TRUE(sent.ok());
      co_return true;
    });
  }
  host.run();
  host.kernel.sync_now(0, SyncDo::kClose, channel);
  submit(host, [this, channel](Self self) -> Job {
    for (;;) {
      const Synced received = co_await self.sync(SyncAct::kReceive, channel);
      if (!received.ok()) break;
      say("got", received.value);
    }
    co_return true;
  });
  host.run();
  EXPECT_EQ(log, (Log{"got 1", "got 2", "got 3"}));
}

TEST_P(Sync, a_select_does_one_of_its_cases) {
  FakeHost host;
  const SyncId a = host.kernel.make_object(SyncKind::kChannel, 0);
  const SyncId b = host.kernel.make_object(SyncKind::kChannel, 0);
  submit(host, [this, a, b](Self self) -> Job {
    const std::vector<SyncCase> cases = {{SyncAct::kReceive, a, 0}, {SyncAct::kSend, b, 5}};
    for (u32 i = 0; i < 2; ++i) {
      const Synced got = co_await self.select(cases);
      EXPECT_TRUE(got.ok());
      say("case " + std::to_string(got.index), got.value);
    }
    co_return true;
  });
  host.run();
  submit(host, [a](Self self) -> Job {
    co_await self.sync(SyncAct::kSend, a, 3);
    co_return true;
  });
  host.run();
  submit(host, [this, b](Self self) -> Job {
    const Synced got = co_await self.sync(SyncAct::kReceive, b);
    say("got", got.value);
    co_return true;
  });
  host.run();
  EXPECT_EQ(log[0], "case 0 3");
  EXPECT_TRUE(std::find(log.begin(), log.end(), "case 1 0") != log.end());
  EXPECT_TRUE(std::find(log.begin(), log.end(), "got 5") != log.end());
  EXPECT_EQ(host.kernel.stats().sync_links, 0U);
}

TEST_P(Sync, of_ready_cases_the_seed_chooses) {
  std::set<u32> chosen;
  for (u64 seed = 1; seed <= 16; ++seed) {
    KernelConfig config;
    config.seed = seed;
    FakeHost host(config);
    const SyncId a = host.kernel.make_object(SyncKind::kSemaphore, 1);
    const SyncId b = host.kernel.make_object(SyncKind::kSemaphore, 1);
    submit(host, [&chosen, a, b](Self self) -> Job {
      const std::vector<SyncCase> cases = {{SyncAct::kAcquire, a, 1}, {SyncAct::kAcquire, b, 1}};
      const Synced got = co_await self.select(cases);
      chosen.insert(got.index);
      co_return true;
    });
    host.run();
  }
  EXPECT_EQ(chosen, (std::set<u32>{0, 1}));
}

TEST_P(Sync, a_barrier_lets_all_pass_at_once_round_after_round) {
  FakeHost host;
  const SyncId barrier = host.kernel.make_object(SyncKind::kBarrier, 3);
  for (u32 i = 1; i <= 3; ++i) {
    submit(host, [this, barrier, i](Self self) -> Job {
      for (u32 round = 0; round < 2; ++round) {
        co_await self.delay(i * kMillisecond);
        co_await self.sync(SyncAct::kPass, barrier);
        say("round " + std::to_string(round), 0);
      }
      co_return true;
    });
  }
  host.pass(2 * kMillisecond);
  EXPECT_TRUE(log.empty());
  host.pass(kMillisecond);
  EXPECT_EQ(log, Log(3, "round 0 0"));
  host.pass(10 * kMillisecond);
  EXPECT_EQ(log.size(), 6U);
}

TEST_P(Sync, a_released_object_lets_its_waiters_go_and_gives_its_values_back) {
  FakeHost host;
  std::vector<u32> dropped;
  host.on_effect = [&dropped](const Command& command) {
    if (command.type == CommandType::kDropped) dropped.push_back(command.a);
  };
  const SyncId channel = host.kernel.make_object(SyncKind::kChannel, 1);
  for (u32 i = 1; i <= 2; ++i) {
    submit(host, [this, channel, i](Self self) -> Job {
      const Synced sent = co_await self.sync(SyncAct::kSend, channel, i);
      say(sent.code == OpCode::kClosed ? "closed" : "sent", i);
      co_return true;
    });
  }
  host.run();
  host.kernel.release_object(channel);
  host.run();
  EXPECT_EQ(log, (Log{"sent 1", "closed 2"}));
  EXPECT_EQ(dropped, (std::vector<u32>{2, 1}));
  EXPECT_FALSE(host.kernel.has_object(channel));
}

TEST_P(Sync, a_cancelled_send_gives_its_value_back_and_a_later_one_goes) {
  FakeHost host;
  std::vector<u32> dropped;
  host.on_effect = [&dropped](const Command& command) {
    if (command.type == CommandType::kDropped) dropped.push_back(command.a);
  };
  const SyncId channel = host.kernel.make_object(SyncKind::kChannel, 0);
  std::vector<FiberId> senders;
  for (u32 i = 1; i <= 2; ++i) {
    senders.push_back(submit(host, [channel, i](Self self) -> Job {
      const Synced sent = co_await self.sync(SyncAct::kSend, channel, i);
      co_return sent.ok();
    }));
  }
  host.run();
  host.kernel.cancel(senders[0]);
  host.run();
  submit(host, [this, channel](Self self) -> Job {
    const Synced got = co_await self.sync(SyncAct::kReceive, channel);
    say("got", got.value);
    co_return true;
  });
  host.run();
  EXPECT_EQ(log, (Log{"got 2"}));
  EXPECT_EQ(dropped, (std::vector<u32>{1}));
}

TEST_P(Sync, a_full_mailbox_does_what_it_was_made_to) {
  using Tokens = std::vector<u32>;
  struct Policy {
    SyncOverflow overflow;
    i32 answer;
    Tokens received;
    Tokens dropped;
  };
  for (const Policy& policy :
       {Policy{SyncOverflow::kWait, kWouldWait, {1, 2}, {}}, Policy{SyncOverflow::kDropOldest, kDone, {2, 3}, {1}},
        Policy{SyncOverflow::kDropNewest, kDone, {1, 2}, {3}}, Policy{SyncOverflow::kFail, kIsFull, {1, 2}, {}}}) {
    FakeHost host;
    Tokens dropped;
    Tokens received;
    host.on_effect = [&dropped](const Command& command) {
      if (command.type == CommandType::kDropped) dropped.push_back(command.a);
    };
    const SyncId mailbox = host.kernel.make_object(SyncKind::kMailbox, 2, policy.overflow);
    submit(host, [mailbox, &policy, &received](Self self) -> Job {
      for (u32 token = 1; token <= 3; ++token) {
        const Synced sent = co_await self.try_sync(SyncAct::kSend, mailbox, token);
        EXPECT_EQ(sent.answer, token <= 2 ? kDone : policy.answer);
      }
      EXPECT_EQ(self.kernel().object_count(mailbox), 2U);
      self.sync_now(SyncDo::kClose, mailbox);
      const Synced late = co_await self.try_sync(SyncAct::kSend, mailbox, 4);
      EXPECT_EQ(late.answer, kIsClosed);
      for (;;) {
        const Synced got = co_await self.sync(SyncAct::kReceive, mailbox);
        if (!got.ok()) break;
        received.push_back(got.value);
      }
      co_return true;
    });
    host.run();
    EXPECT_EQ(received, policy.received);
    EXPECT_EQ(dropped, policy.dropped);
    EXPECT_EQ(host.kernel.broken_invariant(), "");
  }
}

TEST_P(Sync, a_sender_waits_at_a_full_mailbox_in_order) {
  FakeHost host;
  const SyncId mailbox = host.kernel.make_object(SyncKind::kMailbox, 1);
  for (u32 i = 1; i <= 3; ++i) {
    submit(host, [this, mailbox, i](Self self) -> Job {
      co_await self.sync(SyncAct::kSend, mailbox, i);
      say("sent", i);
      co_return true;
    });
  }
  host.run();
  EXPECT_EQ(log, (Log{"sent 1"}));
  submit(host, [this, mailbox](Self self) -> Job {
    for (u32 i = 0; i < 3; ++i) {
      const Synced got = co_await self.sync(SyncAct::kReceive, mailbox);
      say("got", got.value);
    }
    co_return true;
  });
  host.run();
  EXPECT_EQ(log, (Log{"sent 1", "got 1", "got 2", "got 3", "sent 2", "sent 3"}));
}

TEST_P(Sync, mailboxes_that_are_none_are_refused) {
  FakeHost host;
  EXPECT_EQ(host.kernel.make_object(SyncKind::kMailbox, 0), 0U);
  EXPECT_EQ(host.kernel.make_object(SyncKind::kMailbox, kMaxPermits + 1), 0U);
  EXPECT_EQ(host.kernel.make_object(SyncKind::kMailbox, 1, static_cast<SyncOverflow>(4)), 0U);
  EXPECT_EQ(host.kernel.make_object(SyncKind::kChannel, 1, SyncOverflow::kFail), 0U);
  EXPECT_EQ(host.kernel.stats().objects[static_cast<u32>(SyncKind::kMailbox)], 0U);
}

TEST_P(Sync, who_waits_for_a_message_is_idle_and_who_waits_for_room_is_stuck) {
  FakeHost host;
  const SyncId empty = host.kernel.make_object(SyncKind::kMailbox, 1);
  const SyncId channel = host.kernel.make_object(SyncKind::kChannel, 0);
  submit(host, [this, empty](Self self) -> Job {
    const Synced got = co_await self.sync(SyncAct::kReceive, empty);
    say("got", got.value);
    co_return true;
  });
  // Whatever else it waits for.
  const std::vector<SyncCase> cases{{SyncAct::kReceive, channel, 0}, {SyncAct::kReceive, empty, 0}};
  submit(host, [this, cases](Self self) -> Job {
    const Synced got = co_await self.select(cases);
    say("selected", got.value);
    co_return true;
  });
  host.run();
  EXPECT_EQ(host.kernel.break_deadlock(), 0U);
  const SyncId full = host.kernel.make_object(SyncKind::kMailbox, 1);
  submit(host, [this, full](Self self) -> Job {
    co_await self.sync(SyncAct::kSend, full, 1);
    const Synced sent = co_await self.sync(SyncAct::kSend, full, 2);
    EXPECT_EQ(sent.code, OpCode::kDeadlock);
    say("stuck", 2);
    co_return true;
  });
  host.run();
  host.kernel.break_deadlock();
  host.run();
  EXPECT_EQ(log, (Log{"stuck 2"}));
  submit(host, [empty](Self self) -> Job {
    co_await self.sync(SyncAct::kSend, empty, 7);
    co_await self.sync(SyncAct::kSend, empty, 8);
    co_return true;
  });
  host.run();
  EXPECT_EQ(log, (Log{"stuck 2", "got 7", "selected 8"}));
  EXPECT_EQ(host.kernel.broken_invariant(), "");
}

TEST_P(Sync, a_fiber_that_waits_gives_its_slot_back) {
  KernelConfig config;
  config.max_tasks = 1;
  FakeHost host(config);
  const SyncId ivar = host.kernel.make_object(SyncKind::kIvar, 0);
  submit(host, [this, ivar](Self self) -> Job {
    const Synced taken = co_await self.sync(SyncAct::kTake, ivar);
    say("took", taken.value);
    co_return true;
  });
  submit(host, [ivar](Self self) -> Job {
    EXPECT_EQ(self.sync_now(SyncDo::kPut, ivar, 4), kDone);
    co_return true;
  });
  host.run();
  EXPECT_EQ(log, (Log{"took 4"}));
}

TEST_P(Sync, names_that_are_none_are_refused) {
  FakeHost host;
  const SyncId mutex = host.kernel.make_object(SyncKind::kMutex, 0);
  submit(host, [mutex](Self self) -> Job {
    for (const SyncId id : {0U, 99U, mutex}) {
      const Synced refused = co_await self.sync(SyncAct::kReceive, id);
      EXPECT_EQ(refused.answer, kRefused);
      EXPECT_EQ(self.sync_now(SyncDo::kPut, id, 1), kRefused);
    }
    co_return true;
  });
  EXPECT_EQ(host.kernel.sync_now(0, SyncDo::kUnlock, mutex), kRefused);
  host.run();
}

}  // namespace
}  // namespace heddle::testing
