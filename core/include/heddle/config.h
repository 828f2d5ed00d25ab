// The kernel's configuration. Durations in microseconds. The host checks ranges before it sets anything.
#pragma once

#include "heddle/types.h"

namespace heddle {

// Longest aging step: with it, priority * aging stays far inside 64 bits.
constexpr Time kMaxAging = Time{24} * 3600 * 1000 * kMillisecond;
constexpr i32 kMaxPriority = 1'000'000;
// Largest fairness key. The host numbers names from 1.
constexpr u32 kMaxKey = (1U << 24) - 1;

struct RetryPolicy {
  u32 max_attempts = 4;  // counts the first
  Time base_delay = 500 * kMillisecond;
  Time max_delay = 30'000 * kMillisecond;
  Time max_retry_after = 60'000 * kMillisecond;
  u32 budget = UINT32_MAX;  // retries that the runtime may spend in its life
};

// Second attempts that run beside the first: at most burst + share * calls.
struct HedgePolicy {
  double share = 0.1;
  u32 burst = 10;
};

struct KernelConfig {
  u64 seed = 1;
  bool virtual_time = false;
  DispatchPolicy dispatch = DispatchPolicy::kRoundRobin;
  u32 quantum = 1000;  // steps of one turn under fair round-robin

  // The rest may change while the kernel runs.
  u32 max_tasks = 64;
  u32 max_calls = 8;
  Time task_timeout = 0;  // 0: none
  FairnessMode fairness = FairnessMode::kFifo;
  Time aging = 0;  // 0: none
  Time grace = 5000 * kMillisecond;
  u32 max_zombies = UINT32_MAX;
  RetryPolicy retry;
  HedgePolicy hedge;
  Time cooldown = 30'000 * kMillisecond;  // of a model that failed, for plans that have others
};

}  // namespace heddle
