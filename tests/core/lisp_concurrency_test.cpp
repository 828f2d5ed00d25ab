// The scripts of tests/lisp/concurrency, each one test: programs of several fibers. What one prints must be the lines
// that its comments expect, under every policy and seed, and it must end as they say. `; policy: round-robin` in a
// script says that its order is that policy's.
//
// Partners: lisp_scripts_test.cpp, which says how a script is written; tests/js/lisp-scripts.test.mjs runs the same in
// WebAssembly.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/lisp_host.h"

namespace heddle::testing {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(HEDDLE_LISP_TESTS) / "concurrency";

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".scm") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Expected {
  std::string output;
  std::string error;
  bool any_policy = true;
};

Expected expected_of(const std::string& source) {
  Expected expected;
  std::istringstream lines(source);
  for (std::string line; std::getline(lines, line);) {
    if (const std::size_t at = line.find("; =>"); at != std::string::npos) {
      expected.output += (at + 5 <= line.size() ? line.substr(at + 5) : "") + "\n";
    } else if (line.starts_with("; error: ")) {
      expected.error = line.substr(9);
    } else if (line == "; policy: round-robin") {
      expected.any_policy = false;
    }
  }
  return expected;
}

class LispConcurrency : public ::testing::TestWithParam<std::string> {};

TEST_P(LispConcurrency, prints_what_it_expects_under_every_policy) {
  std::ifstream file(kFolder / (GetParam() + ".scm"), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  const Expected expected = expected_of(text.str());
  const auto check = [&](DispatchPolicy policy, u32 quantum, u64 seed) {
    SCOPED_TRACE("policy " + std::to_string(static_cast<u32>(policy)) + ", quantum " + std::to_string(quantum) +
                 ", seed " + std::to_string(seed));
    KernelConfig config = LispHost::virtual_time();
    config.dispatch = policy;
    config.quantum = quantum;
    config.seed = seed;
    LispHost host(config);
    const std::string result = host.run(text.str());
    if (!host.printed.empty() && host.printed.back() != '\n') host.printed += '\n';
    EXPECT_EQ(host.printed, expected.output) << result;
    const std::string code = result.substr(0, result.find(':'));
    if (expected.error.empty()) {
      EXPECT_TRUE(result.find(": ") == std::string::npos || result[0] == '(' || result[0] == '"') << result;
    } else {
      EXPECT_EQ(code, expected.error) << result;
    }
    const Stats stats = host.kernel.stats();
    EXPECT_EQ(stats.sync_links + stats.operations, 0U);
  };
  check(DispatchPolicy::kRoundRobin, 1000, 1);
  if (!expected.any_policy) return;
  for (const u32 quantum : {3U, 50U}) check(DispatchPolicy::kFairRoundRobin, quantum, 1);
  for (u64 seed = 1; seed <= 5; ++seed) check(DispatchPolicy::kRandom, 1000, seed);
}

INSTANTIATE_TEST_SUITE_P(Lisp, LispConcurrency, ::testing::ValuesIn(scripts()), [](const auto& script) {
  std::string name = script.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace heddle::testing
