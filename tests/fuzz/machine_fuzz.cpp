// Runs any bytes as a program, in a top level of its own, for a bounded number of steps under a bounded heap: whole; in
// small turns with the collector at work between them; and with hardly any memory. Whatever it does, it must end, or be
// stopped; what it raises must be reportable; whole and in turns it must take the same steps to the same value and
// output; and afterwards the machine must still answer, with nothing of the program left in the heap.
//
// Programs that mostly mean something come from programs.h: a third of the changes are libFuzzer's own.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "check.h"
#include "lisp/expander/environment.h"
#include "lisp/machine.h"
#include "lisp/program.h"
#include "lisp/text/printer.h"
#include "programs.h"

using namespace heddle;
using namespace heddle::lisp;
using fuzz::check;

extern "C" std::size_t LLVMFuzzerMutate(u8* data, std::size_t size, std::size_t most);

namespace {

constexpr u64 kHeap = 128 << 20;
// Of a result's text: data that share parts can be very long.
constexpr u64 kMostText = 1 << 16;
constexpr u64 kFuel = 60'000;
// One instruction may go over the fuel by what a builtin charges, or the expander; both have limits.
constexpr u64 kMostCharged = 200'000'000;
// Symbols and what the machine keeps for its next fiber.
constexpr u64 kMayStay = 1 << 16;

class Roots final : public RootSet {
 public:
  void mark_roots(Heap& heap) override {
    heap.mark(environment);
    heap.mark(fiber);
  }
  void forget_dead(Heap& /*heap*/) override {}

  Value environment = kFalse;
  Value fiber = kFalse;
};

struct Ending {
  std::string text;
  std::string output;
  u64 steps = 0;
  bool has_ended = false;
};

struct Turns {
  u64 fuel;
  u32 collecting = 0;  // so many turns are followed by a piece of a collection
};

class Runner {
 public:
  Runner() : machine_(kHeap) {
    check(machine_.load_preludes(), "the preludes load");
    machine_.heap().add_roots(&roots_);
    machine_.output = [](void*, Value, std::string_view utf8, bool) { output_ += utf8; };
  }

  Ending run(std::string_view text, Turns turns) {
    output_.clear();
    Ending ending;
    roots_.environment = make_program_environment(machine_.heap(), machine_.core());
    const u16 source = machine_.sources().add("fuzz", text);
    const Value program = make_program(machine_, text, source, roots_.environment, ProgramKind::kPiece);
    Fiber* fiber = machine_.make_fiber(program, nullptr);
    fiber->environment = roots_.environment;
    roots_.fiber = Value::object(fiber);
    go(*fiber, turns, ending);
    roots_.fiber = kFalse;
    roots_.environment = kFalse;
    ending.output = std::move(output_);
    return ending;
  }

  Heap& heap() { return machine_.heap(); }
  u64 collections_at_limit() const { return machine_.collections_at_limit(); }
  u64 used() {
    heap().collect_all();
    return heap().used();
  }

 private:
  void go(Fiber& fiber, Turns turns, Ending& ending) {
    for (u32 turn = 0;; ++turn) {
      const bool is_early = turn < turns.collecting;
      const Turn ended = machine_.run(fiber, is_early || turns.collecting == 0 ? turns.fuel : turns.fuel * 50);
      ending.steps += machine_.last_steps();
      check(machine_.last_steps() <= kMostCharged, "a turn has an end");
      switch (ended) {
        case Turn::kDone: print(ending.text, fiber.result, Style::kWrite, kMostText); break;
        case Turn::kFailed: ending.text = machine_.report(fiber.result); break;
        case Turn::kParked: machine_.abandon(fiber); return;
        case Turn::kPreempted:
          if (is_early) heap().collect_some();
          if (ending.steps <= kFuel) continue;
          machine_.abandon(fiber);
          return;
      }
      ending.has_ended = true;
      return;
    }
  }

  Machine machine_;
  Roots roots_;
  // The machine has no embedder: operations of the kernel are refused.
  static inline std::string output_;
};

u32 hash_of(std::string_view text) {
  u32 hash = 2166136261;
  for (const char c : text) hash = (hash ^ static_cast<u8>(c)) * 16777619;
  return hash;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
  static Runner* const runner = new Runner;
  static const u64 floor = (runner->run("1", {kFuel}), runner->used());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const u32 hash = hash_of(text);
  Heap& heap = runner->heap();

  const u64 collections = runner->collections_at_limit();
  const Ending whole = runner->run(text, {kFuel + 1});
  const Ending pieces = runner->run(text, {1 + hash % 97, 100 + hash % 300});
  // A collection at the limit, the last program's among them, counts as steps; when it comes depends on earlier ones.
  if (runner->collections_at_limit() == collections) {
    check(!whole.has_ended || whole.steps > kFuel || pieces.has_ended, "a program ends in turns as it does whole");
    if (whole.has_ended && pieces.has_ended) {
      check(whole.steps == pieces.steps, "the same text takes the same steps");
      check(whole.text == pieces.text, "the same text gives the same value");
      check(whole.output == pieces.output, "the same text gives the same output");
    }
  }

  heap.collect_all();
  heap.set_limit(heap.used() + hash % 64 * 16384);
  runner->run(text, {kFuel + 1});
  heap.set_limit(kHeap);
  check(runner->run("(let loop ((i 0)) (if (< i 9) (loop (+ i 1)) (list i \"x\")))", {kFuel}).text == "(9 \"x\")",
        "the machine still answers");
  check(runner->used() <= floor + kMayStay, "nothing of the program is left");
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(u8* data, std::size_t size, std::size_t most, unsigned seed) {
  fuzz::Random random(seed);
  if (random.below(3) == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string made = random.below(12) == 0 ? fuzz::make_program(random) : fuzz::change_program(text, random);
  while (random.below(2) == 0) made = fuzz::change_program(made, random);
  const std::size_t length = std::min(made.size(), most);
  std::memcpy(data, made.data(), length);
  return length;
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const u8* data, std::size_t size, const u8* other,
                                                 std::size_t other_size, u8* out, std::size_t most, unsigned seed) {
  fuzz::Random random(seed);
  const std::string made = fuzz::cross_programs({reinterpret_cast<const char*>(data), size},
                                                {reinterpret_cast<const char*>(other), other_size}, random);
  const std::size_t length = std::min(made.size(), most);
  std::memcpy(out, made.data(), length);
  return length;
}
