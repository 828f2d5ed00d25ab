// Programs that use every operation, for tests that disturb them at each of their steps.
#pragma once

#include "support/fake_host.h"

namespace heddle::testing {

// Whatever happens, the clean-up runs: protected, bounded, and with operations of its own.
inline Job cleans_up_in_shield(Self self) {
  auto section = self.shield(20 * kMillisecond);
  co_await self.delay(kMillisecond);
  co_return co_await self.join(self.submit([](Self inner) -> Job {
    co_await inner.call();
    co_return true;
  })) == OpCode::kOk;
}

inline Job works(Self self) { co_return co_await self.delay(3 * kMillisecond) == OpCode::kOk; }
inline Job asks(Self self) { co_return (co_await self.call()).code == OpCode::kOk; }
inline Job fails(Self self) {
  co_await self.delay(kMillisecond);
  co_return false;
}

inline Job streams(Self self) {
  const Opened opened = co_await self.open();
  if (opened.code != OpCode::kOk) co_return false;
  for (int chunk = 0; chunk < 3; ++chunk) {
    if (co_await self.read(opened.stream) != OpCode::kOk) co_return false;
  }
  co_return true;
}

inline Job opens_scopes(Self self) {
  FiberState state = co_await self.scope(Joiner::kAll, [](Self scope) -> Job {
    Child one = scope.submit(works);
    Child two = scope.submit(asks);
    co_return co_await scope.join(one) == OpCode::kOk;
  });
  if (state != FiberState::kCompleted) co_return false;
  state = co_await self.scope(Joiner::kAny, [](Self scope) -> Job {
    for (const JobFunction& job : {JobFunction(fails), JobFunction(works), JobFunction(streams)}) {
      Child child = scope.submit(job);
    }
    co_return true;
  });
  state = co_await self.scope(
      Joiner::kQuorum,
      [](Self scope) -> Job {
        for (int i = 0; i < 3; ++i) {
          Child child = scope.submit(works);
        }
        co_return co_await scope.delay(kMillisecond) == OpCode::kOk;
      },
      2);
  co_return state == FiberState::kCompleted;
}

// Some thirty operations, in the main fiber and below it.
inline Job does_everything(Self self) {
  bool went_well = false;
  do {
    if (co_await self.delay(kMillisecond) != OpCode::kOk) break;
    if (co_await self.yield() != OpCode::kOk) break;
    Child first = self.submit(works);
    Child second = self.submit(asks);
    if (co_await self.join(first) != OpCode::kOk) break;
    if ((co_await self.wait(WaitMode::kAllSettled, first, second)).code != OpCode::kOk) break;
    if ((co_await self.call()).code != OpCode::kOk) break;
    // No model's call: whether it fails is luck, for it is not repeated.
    if ((co_await self.call(CallClass::kOther)).code == OpCode::kCancelled) break;
    Child slow =
        self.submit([](Self inner) -> Job { co_return co_await inner.delay(60 * kMillisecond) == OpCode::kOk; });
    Child quick = self.submit(works);
    if ((co_await self.wait_and_cancel(WaitMode::kRace, slow, quick)).code != OpCode::kOk) break;
    Child stream = self.submit(streams);
    Child failing = self.submit(fails);
    if ((co_await self.wait(WaitMode::kAny, failing, stream)).code != OpCode::kOk) break;
    Child scopes = self.submit(opens_scopes);
    if (co_await self.join(scopes) != OpCode::kOk) break;
    if (co_await self.join(self.submit(works), kMillisecond) != OpCode::kTimeout) break;
    co_await self.tick(10);
    went_well = true;
  } while (false);
  // Clean-up, in the body itself.
  {
    auto section = self.shield(30 * kMillisecond);
    Child cleaner = self.submit(cleans_up_in_shield);
    if (co_await self.join(cleaner) != OpCode::kOk) went_well = false;
    if (co_await self.delay(kMillisecond) != OpCode::kOk) went_well = false;
  }
  co_return went_well;
}

// Its world: calls take a while, and each third attempt finds the server busy.
inline void play_world(FakeHost& host) {
  auto count = std::make_shared<u32>(0);
  host.on_call = [count](const Attempt& attempt) {
    const u32 n = ++*count;
    if (n % 3 == 1 && attempt.number < 3) return Reply::busy(n % 2 == 0 ? 2 * kMillisecond : -1);
    Reply reply = Reply::fine(2 * kMillisecond);
    reply.opens = attempt.stream;
    return reply;
  };
  host.on_read = [](const Attempt& chunk) {
    Reply reply = Reply::fine(kMillisecond);
    reply.ends = chunk.number == 3;
    return reply;
  };
  host.close_latency = kMillisecond;
}

}  // namespace heddle::testing
