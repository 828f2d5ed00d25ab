// Operations on objects whose fiber ends or is cancelled while it has several, or while what they got is on its way:
// the test is the host, and its bodies do what they are told.
#include <gtest/gtest.h>

#include <vector>

#include "heddle/kernel.h"

namespace heddle {
namespace {

class SyncEnds : public ::testing::Test {
 protected:
  using Numbers = std::vector<u32>;

  FiberId begin() {
    const FiberId id = kernel.submit({});
    step();
    return id;
  }
  i32 act(FiberId fiber, SyncAct act, SyncId object, u32 value = 0) { return kernel.sync(fiber, {act, object, value}); }
  void step() {
    kernel.step(1000);
    drain();
  }
  void drain() {
    while (!kernel.effects().empty()) {
      const Command command = kernel.effects().pop();
      if (command.type == CommandType::kDropped) dropped.push_back(command.a);
      if (command.type == CommandType::kNotReleased) not_released.push_back(command.a);
    }
    while (!kernel.runs().empty()) {
      const Command command = kernel.runs().pop();
      if (command.type == CommandType::kResume) codes.push_back(command.b & 0xff);
    }
  }
  void end(FiberId fiber) {
    kernel.ended(fiber, true);
    drain();
    EXPECT_EQ(kernel.broken_invariant(), "");
  }

  Kernel kernel{KernelConfig{}};
  Numbers dropped, not_released, codes;
};

TEST_F(SyncEnds, a_cancelled_fiber_gets_nothing_of_what_its_own_operations_leave) {
  const SyncId semaphore = kernel.make_object(SyncKind::kSemaphore, 3);
  const FiberId holder = begin();
  const FiberId fiber = begin();
  const FiberId other = begin();
  ASSERT_EQ(act(holder, SyncAct::kAcquire, semaphore, 2), kDone);
  // When the first one of these is gone, the second fits.
  ASSERT_GT(act(fiber, SyncAct::kAcquire, semaphore, 3), 0);
  ASSERT_GT(act(fiber, SyncAct::kAcquire, semaphore, 1), 0);
  ASSERT_GT(act(other, SyncAct::kAcquire, semaphore, 1), 0);
  kernel.cancel(fiber);
  EXPECT_EQ(kernel.object_count(semaphore), 0u);
  EXPECT_EQ(kernel.broken_invariant(), "");
  step();
  const u32 cancelled = static_cast<u32>(OpCode::kCancelled);
  EXPECT_EQ(codes, (Numbers{cancelled, cancelled, static_cast<u32>(OpCode::kOk)}));
  EXPECT_EQ(kernel.sync_now(other, SyncDo::kGive, semaphore, 1), kDone);
  EXPECT_EQ(kernel.object_count(semaphore), 1u);
}

TEST_F(SyncEnds, a_fiber_that_ends_leaves_permits_that_its_own_operations_wait_for) {
  const SyncId semaphore = kernel.make_object(SyncKind::kSemaphore, 3);
  const FiberId holder = begin();
  const FiberId fiber = begin();
  ASSERT_EQ(act(holder, SyncAct::kAcquire, semaphore, 2), kDone);
  ASSERT_GT(act(fiber, SyncAct::kAcquire, semaphore, 3), 0);
  ASSERT_GT(act(fiber, SyncAct::kAcquire, semaphore, 1), 0);
  end(fiber);
  EXPECT_EQ(kernel.object_count(semaphore), 1u);
  EXPECT_EQ(kernel.stats().sync_links, 0u);
}

TEST_F(SyncEnds, what_a_fiber_has_got_and_not_heard_of_goes_back) {
  const SyncId semaphore = kernel.make_object(SyncKind::kSemaphore, 1);
  const SyncId mutex = kernel.make_object(SyncKind::kMutex, 0);
  const SyncId channel = kernel.make_object(SyncKind::kChannel, 0);
  const FiberId giver = begin();
  const FiberId fiber = begin();
  const FiberId next = begin();
  ASSERT_EQ(act(giver, SyncAct::kAcquire, semaphore, 1), kDone);
  ASSERT_EQ(act(giver, SyncAct::kLock, mutex), kDone);
  for (const FiberId id : {fiber, next}) {
    ASSERT_GT(act(id, SyncAct::kAcquire, semaphore, 1), 0);
    ASSERT_GT(act(id, SyncAct::kLock, mutex), 0);
  }
  ASSERT_GT(act(fiber, SyncAct::kReceive, channel), 0);
  ASSERT_EQ(kernel.sync_now(giver, SyncDo::kGive, semaphore, 1), kDone);
  ASSERT_EQ(kernel.sync_now(giver, SyncDo::kUnlock, mutex), kDone);
  ASSERT_EQ(act(giver, SyncAct::kSend, channel, 5), kDone);
  EXPECT_EQ(kernel.holder(mutex), fiber);
  end(fiber);
  EXPECT_EQ(dropped, (Numbers{5}));
  EXPECT_EQ(kernel.holder(mutex), next);
  EXPECT_EQ(kernel.object_count(semaphore), 0u);
  // It could not have released what it did not know to hold.
  EXPECT_TRUE(not_released.empty());
  step();
  end(next);
  EXPECT_EQ(not_released, (Numbers{mutex}));
}

TEST_F(SyncEnds, what_goes_back_to_an_object_that_is_gone_goes_to_no_other) {
  const FiberId giver = begin();
  const FiberId fiber = begin();
  const SyncId semaphore = kernel.make_object(SyncKind::kSemaphore, 2);
  const SyncId channel = kernel.make_object(SyncKind::kChannel, 0);
  ASSERT_EQ(act(giver, SyncAct::kAcquire, semaphore, 2), kDone);
  ASSERT_GT(act(fiber, SyncAct::kAcquire, semaphore, 2), 0);
  ASSERT_GT(act(fiber, SyncAct::kReceive, channel), 0);
  ASSERT_EQ(kernel.sync_now(giver, SyncDo::kGive, semaphore, 2), kDone);
  ASSERT_EQ(act(giver, SyncAct::kSend, channel, 6), kDone);
  kernel.release_object(semaphore);
  kernel.release_object(channel);
  ASSERT_EQ(kernel.make_object(SyncKind::kSemaphore, 4), semaphore) << "the number is used again";
  ASSERT_EQ(act(giver, SyncAct::kAcquire, semaphore, 3), kDone);
  end(fiber);
  EXPECT_EQ(kernel.object_count(semaphore), 1u);
  EXPECT_EQ(dropped, (Numbers{6}));
}

TEST_F(SyncEnds, at_a_barrier_an_operation_is_one_party_however_often_it_names_it) {
  const SyncId barrier = kernel.make_object(SyncKind::kBarrier, 2);
  const FiberId fiber = begin();
  const std::vector<SyncCase> cases(3, {SyncAct::kPass, barrier, 0});
  ASSERT_GT(kernel.select(fiber, cases.data(), 3), 0);
  EXPECT_EQ(kernel.object_count(barrier), 1u);
  EXPECT_EQ(kernel.broken_invariant(), "");
  EXPECT_EQ(act(begin(), SyncAct::kPass, barrier), kDone);
  EXPECT_EQ(kernel.object_count(barrier), 0u);
}

TEST_F(SyncEnds, what_no_record_can_hold_is_refused_at_once) {
  const SyncId mutex = kernel.make_object(SyncKind::kMutex, 0);
  const FiberId fiber = begin();
  std::vector<Event> record;
  kernel.record_to(&record);
  EXPECT_EQ(act(fiber, SyncAct::kLock, mutex + kMaxSyncId + 1), kRefused);
  EXPECT_EQ(act(fiber, static_cast<SyncAct>(33), mutex), kRefused);
  EXPECT_TRUE(record.empty());
  EXPECT_EQ(kernel.holder(mutex), 0u);
}

}  // namespace
}  // namespace heddle
