// The core's own costs, natively: what a switch between fibers takes, what a parked fiber weighs, what a timer and a
// task cost. Each line of output is one JSON object; tests/bench/run.mjs reads them. Times are the best of several
// rounds.
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "heddle/job.h"

namespace {

std::size_t g_allocations = 0;
std::size_t g_bytes = 0;  // in use

void give(void* memory) {
  if (memory != nullptr) g_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  ++g_allocations;
  g_bytes += malloc_usable_size(memory);
  return memory;
}
void operator delete(void* memory) noexcept { give(memory); }
void operator delete(void* memory, std::size_t) noexcept { give(memory); }

namespace heddle {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

KernelConfig roomy(bool virtual_time = false) {
  KernelConfig config;
  config.virtual_time = virtual_time;
  config.max_tasks = UINT32_MAX;
  return config;
}

void drain(Kernel& kernel) {
  while (!kernel.effects().empty()) kernel.effects().pop();
  while (!kernel.runs().empty()) kernel.runs().pop();
}

// A million switches by yield, among so many fibers.
void yields(u32 fibers) {
  constexpr u32 kSwitches = 1'000'000;
  constexpr int kRounds = 5;
  double best = 1e9;
  std::size_t allocations = 0;
  Kernel kernel(roomy());
  for (u32 i = 0; i < fibers; ++i) {
    submit_job(kernel, {}, [](Self self) -> Job {
      for (;;) {
        if (co_await self.yield() != OpCode::kOk) co_return false;
      }
    });
  }
  kernel.step(2 * fibers);
  drain(kernel);
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t before = g_allocations;
    const auto start = Clock::now();
    kernel.step(kSwitches);
    const double seconds = seconds_since(start);
    allocations += g_allocations - before;
    if (seconds < best) best = seconds;
    drain(kernel);
  }
  std::printf("{\"case\":\"e-native\",\"size\":%u,\"value\":%.1f,\"unit\":\"ns/switch\",\"allocations\":%zu}\n", fibers,
              best * 1e9 / kSwitches, allocations);
}

// What the kernel takes for one fiber that is parked in a delay: its record, operation and timer, and what its start
// left behind in queues and rings.
void parked() {
  constexpr u32 kFibers = 100'000;
  Kernel kernel(roomy());
  const std::size_t before = g_bytes;
  for (u32 i = 0; i < kFibers; ++i) kernel.submit({});
  kernel.step(kFibers + 1);
  drain(kernel);
  for (u32 i = 1; i <= kFibers; ++i) kernel.delay(i, 1000 * kMillisecond);
  kernel.step(1);
  drain(kernel);
  std::printf("{\"case\":\"parked-native\",\"size\":%u,\"value\":%.0f,\"unit\":\"bytes/fiber\"}\n", kFibers,
              static_cast<double>(g_bytes - before) / kFibers);
}

// A million delays, set in no order and fired in order.
void timers() {
  constexpr u32 kFibers = 1000;
  constexpr u32 kDelays = 1000;
  Kernel kernel(roomy(true));
  for (u32 i = 0; i < kFibers; ++i) {
    submit_job(kernel, {}, [i](Self self) -> Job {
      for (u32 n = 0; n < kDelays; ++n) co_await self.delay(1 + (n * 7919 + i * 104'729) % 10'007);
      co_return true;
    });
  }
  const auto start = Clock::now();
  for (bool more = true; more || kernel.stats().fibers > 0;) {
    more = kernel.step(UINT32_MAX);
    drain(kernel);
  }
  std::printf("{\"case\":\"delay-native\",\"size\":%u,\"value\":%.1f,\"unit\":\"ns/delay\"}\n", kFibers * kDelays,
              seconds_since(start) * 1e9 / (kFibers * kDelays));
}

// Tasks that do nothing, at a limit of eight.
void tasks() {
  constexpr u32 kTasks = 200'000;
  KernelConfig config;
  config.max_tasks = 8;
  Kernel kernel(config);
  const auto start = Clock::now();
  for (u32 i = 0; i < kTasks; ++i) submit_job(kernel, {}, [](Self) -> Job { co_return true; });
  while (kernel.step(UINT32_MAX)) drain(kernel);
  drain(kernel);
  std::printf("{\"case\":\"trivial-native\",\"size\":%u,\"value\":%.1f,\"unit\":\"ns/task\"}\n", kTasks,
              seconds_since(start) * 1e9 / kTasks);
}

}  // namespace
}  // namespace heddle

int main() {
  for (const heddle::u32 fibers : {2U, 1000U, 100'000U}) heddle::yields(fibers);
  heddle::parked();
  heddle::timers();
  heddle::tasks();
  return 0;
}
