// The scripts of tests/lisp, each one test: what a script prints must be the lines that its comments expect, and it
// must end as they say. Each runs a second time in pieces of a few steps, with the collector at work between them: that
// must give the same output and take the same number of steps.
//
//   (writeln (car '(1 2))) ; => 1          a line that is expected, in order
//   ; error: TypeError file.scm:3:1        how it ends, if it fails; the position may be left out
//
// Partner: tests/js/lisp-scripts.test.mjs runs the same scripts in WebAssembly.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lisp/expander/environment.h"
#include "lisp/machine.h"
#include "lisp/program.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {
namespace {

constexpr u64 kHeapLimit = u64{128} << 20;

struct Outcome {
  std::string output;
  std::string error;  // "Code" or "Code file:line:column"; empty: none
  std::string position;
  std::string report;
  u64 steps = 0;
  u64 collections_at_limit = 0;
};

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(HEDDLE_LISP_TESTS)) {
    if (entry.path().extension() == ".scm") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string text_of_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(HEDDLE_LISP_TESTS) / (name + ".scm"), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the comments of a script say.
Outcome expected_of(const std::string& source) {
  constexpr std::string_view kLine = "; =>";
  constexpr std::string_view kError = "; error: ";
  Outcome expected;
  std::istringstream lines(source);
  for (std::string line; std::getline(lines, line);) {
    if (const std::size_t at = line.find(kLine); at != std::string::npos) {
      const std::size_t begin = at + kLine.size();
      expected.output += (begin < line.size() ? line.substr(begin + 1) : "") + "\n";
    } else if (line.starts_with(kError)) {
      std::istringstream words(line.substr(kError.size()));
      words >> expected.error >> expected.position;
    }
  }
  return expected;
}

// How a run is cut into pieces.
struct Pieces {
  u64 fuel;
  bool collects;  // between the pieces; fewer and larger ones after some thousand, so that long scripts end
};

class Program {
 public:
  Program() : machine_(kHeapLimit) {
    // No embedder: that would be the kernel's side, for the operations of fibers.
    running_ = this;
    machine_.output = [](void*, Value, std::string_view utf8, bool) { running_->outcome_.output += utf8; };
  }

  Outcome run(const std::string& name, const std::string& source, Pieces pieces) {
    if (!machine_.load_preludes()) {
      fail(machine_.raised());
      return outcome_;
    }
    const Value environment = make_program_environment(machine_.heap(), machine_.core());
    const u16 number = machine_.sources().add(name + ".scm");
    const Value thunk = make_program(machine_, source, number, environment, ProgramKind::kWhole);
    if (thunk.is_signal()) {
      fail(machine_.raised());
      return outcome_;
    }
    Fiber& fiber = *machine_.make_fiber(thunk, nullptr);
    fiber.environment = environment;
    for (u64 piece = 0;; ++piece) {
      const bool is_early = piece < 3000;
      const Turn turn = machine_.run(fiber, is_early ? pieces.fuel : pieces.fuel * 1000);
      outcome_.steps += machine_.last_steps();
      if (turn == Turn::kFailed) fail(fiber.result);
      if (turn != Turn::kPreempted) break;
      if (!pieces.collects) continue;
      if (is_early && piece % 64 == 0) machine_.heap().collect_all();
      machine_.heap().collect_some();
    }
    outcome_.collections_at_limit = machine_.collections_at_limit();
    return outcome_;
  }

 private:
  void fail(Value raised) {
    outcome_.report = machine_.report(raised);
    const bool is_condition = is_a(raised, Type::kCondition);
    outcome_.error = is_condition ? displayed(as<Condition>(raised)->code) : "UserError";
    outcome_.position = is_condition ? machine_.position_of(raised) : "";
  }

  static inline Program* running_ = nullptr;
  Machine machine_;
  Outcome outcome_;
};

class LispScript : public testing::TestWithParam<std::string> {};

TEST_P(LispScript, prints_what_it_expects_and_the_same_in_pieces) {
  const std::string source = text_of_file(GetParam());
  const Outcome expected = expected_of(source);
  const Outcome whole = Program().run(GetParam(), source, {1'000'000, false});
  // The end of the last line may be missing.
  const bool is_cut = !whole.output.empty() && whole.output.back() != '\n';
  EXPECT_EQ(whole.output + (is_cut ? "\n" : ""), expected.output) << whole.report;
  EXPECT_EQ(whole.error, expected.error) << whole.report;
  if (!expected.position.empty()) {
    EXPECT_EQ(whole.position, expected.position) << whole.report;
  }
  // Neither where a fiber is stopped nor when the heap is collected changes anything.
  const Outcome pieces = Program().run(GetParam(), source, {7, true});
  EXPECT_EQ(pieces.output, whole.output) << pieces.report;
  EXPECT_EQ(pieces.error, whole.error) << pieces.report;
  EXPECT_EQ(pieces.position, whole.position);
  // Collections that the heap's limit asks for cost steps, and depend on those before.
  if (whole.collections_at_limit + pieces.collections_at_limit == 0) {
    EXPECT_EQ(pieces.steps, whole.steps);
  }
}

INSTANTIATE_TEST_SUITE_P(Lisp, LispScript, testing::ValuesIn(scripts()), [](const auto& script) {
  std::string name = script.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace heddle::lisp
