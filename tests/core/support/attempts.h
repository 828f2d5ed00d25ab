// A host of calls that notes what is sent, for tests of what follows an attempt.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "kernel/call.h"
#include "support/call_host.h"

namespace heddle::testing {

constexpr Time kSecond = 1000 * kMillisecond;

inline KernelConfig at_once() {
  KernelConfig config = roomy();
  config.retry.base_delay = 0;
  return config;
}

// Notes what is sent: for each attempt the call, its number and the entry of the plan.
class Attempts : public ::testing::Test {
 protected:
  explicit Attempts(const KernelConfig& config = at_once()) : host(config) {
    host.on_call = [this](const Attempt& attempt) {
      sent.push_back(attempt);
      sent_at.push_back(host.now());
      return reply ? reply(attempt) : Reply::silent();
    };
  }
  std::vector<u32> entries() const {
    std::vector<u32> all;
    for (const Attempt& attempt : sent) all.push_back(attempt.entry);
    return all;
  }
  std::vector<u32> numbers() const {
    std::vector<u32> all;
    for (const Attempt& attempt : sent) all.push_back(attempt.number);
    return all;
  }
  static std::vector<Through> plan(std::initializer_list<GateId> models) {
    std::vector<Through> plan;
    for (const GateId model : models) plan.push_back({{0, model}});
    return plan;
  }
  using Numbers = std::vector<u32>;

  CallHost host;
  std::vector<Attempt> sent;
  std::vector<Time> sent_at;
  std::function<Reply(const Attempt&)> reply;
};

}  // namespace heddle::testing
