// Random calls through random gates, with plans, hedges, broken streams, cancels, timeouts and limits that change, for
// a host that answers as it should but whenever it likes. After each event every invariant is checked; a provider that
// counts what arrives finds no window exceeded; every operation ends exactly once; when all is over nothing is left;
// and the recorded events give the same commands again. A failure names its seed; HEDDLE_MODEL_SEED=n runs
// that one, HEDDLE_MODEL_SEEDS=n the first n. Long because the model of a host and of a provider is one class.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "heddle/kernel.h"
#include "kernel/random.h"

namespace heddle {
namespace {

constexpr u64 kSeeds = 60;
constexpr u32 kEvents = 6000;

class CallModel {
 public:
  explicit CallModel(u64 seed) : random_(seed, 91), config_(config_for(seed)), kernel_(config_) {
    kernel_.record_to(&record_);
    for (u32 i = 0; i < kGates; ++i) make_gate(i);
    for (u32 i = 0; i < kBodies; ++i) submit();
  }

  // Gives what went wrong, or nothing.
  std::string run() {
    for (u32 i = 0; i < kEvents && problem_.empty(); ++i) {
      act();
      after_event();
      if (!problem_.empty()) return problem_ + ", after event " + std::to_string(i);
    }
    let_all_end();
    if (problem_.empty()) finish();
    if (problem_.empty()) look_at_arrivals();
    return problem_;
  }

  std::string replay() const {
    Kernel again(config_);
    for (const Event& event : record_) again.apply(event);
    if (again.stats().command_hash != kernel_.stats().command_hash) return "other commands in the replay";
    return again.broken_invariant();
  }

  u64 sent() const { return kernel_.stats().calls; }
  Stats stats() const { return kernel_.stats(); }

 private:
  static constexpr u32 kStages = 3;
  static constexpr u32 kPerStage = 3;
  static constexpr u32 kGates = kStages * kPerStage;
  static constexpr u32 kBodies = 10;

  // One of the last two of each stage changes while calls run; the first stays, and its provider counts.
  struct GateModel {
    bool is_fixed = false;
    u32 requests = 0;
    i64 tokens = 0;
    Time window = 0;
    Time transit = 0;
    u32 max_inside = UINT32_MAX;
    struct Arrival {
      Time at;
      i64 tokens;
    };
    std::vector<Arrival> arrivals;
  };
  struct Plan {
    struct Entry {
      GateId gates[kStages];
      i64 tokens;
    };
    std::vector<Entry> entries;
  };
  struct Asked {
    FiberId fiber = 0;
    Plan plan;
    u32 last_attempt = 0;
    bool is_reopen = false;
    std::map<u32, u32> by_entry;  // attempts
  };
  struct Flying {
    OpId op = 0;
    FiberId fiber = 0;
    Plan plan;
    bool stream = false;
    bool is_open = false;
    bool is_aborted = false;
    bool is_simulated = false;  // the kernel ends it
    bool will_simulate = false;
    bool will_open = false;
    i64 tokens = 0;
    std::vector<std::pair<u32, std::size_t>> arrivals;  // gate, place
  };

  static KernelConfig config_for(u64 seed) {
    Random random(seed, 92);
    KernelConfig config;
    config.seed = seed;
    config.virtual_time = random.below(3) == 0;
    config.fairness = static_cast<FairnessMode>(random.below(3));
    config.aging = random.below(4) == 0 ? 10 * kMillisecond : 0;
    config.max_tasks = 1000;
    config.max_calls = 1 + random.below(8);
    config.grace = random.below(4) * 30 * kMillisecond;
    config.retry.max_attempts = 1 + random.below(4);
    config.retry.base_delay = random.below(3) * 5 * kMillisecond;
    config.retry.max_retry_after = 40 * kMillisecond;
    config.cooldown = random.below(3) * 50 * kMillisecond;
    config.hedge.share = random.below(2) * 0.5;
    config.hedge.burst = random.below(3) * 100;
    return config;
  }

  bool chance(u32 percent) { return random_.below(100) < percent; }
  void expect(bool holds, const std::string& what) {
    if (!holds && problem_.empty()) problem_ = what;
  }

  void make_gate(u32 index) {
    GateModel& gate = gates_.emplace_back();
    const GateId id = index + 1;
    gate.is_fixed = index % kPerStage == 0;
    gate.requests = 1 + random_.below(12);
    gate.tokens = 50 + random_.below(400);
    gate.window = (50 + random_.below(500)) * kMillisecond;
    gate.transit = random_.below(3) * 15 * kMillisecond;
    const auto set = [&](GateKey key, double value) { expect(kernel_.set_gate(id, key, value), "a gate was refused"); };
    set(GateKey::kWindow, static_cast<double>(gate.window) / 1000);
    set(GateKey::kTransit, static_cast<double>(gate.transit) / 1000);
    if (chance(70)) {
      gate.max_inside = 1 + random_.below(5);
      set(GateKey::kMaxInside, gate.max_inside);
    }
    if (gate.is_fixed || chance(50)) set(GateKey::kRequests, gate.requests);
    if (gate.is_fixed || chance(50)) set(GateKey::kTokens, static_cast<double>(gate.tokens));
    if (chance(40)) {
      set(GateKey::kAdaptiveInitial, 1 + random_.below(4));
      set(GateKey::kAdaptiveMin, random_.below(2));
      set(GateKey::kAdaptiveMax, 1 + random_.below(8));
    }
    if (chance(40)) {
      set(GateKey::kBreakerFailures, 1 + random_.below(3));
      set(GateKey::kBreakerPause, 10 + random_.below(60));
      set(GateKey::kBreakerProbes, 1 + random_.below(3));
    }
  }

  // --- What happens ---

  void act() {
    const u32 what = random_.below(100);
    if (what < 30) {
      step();
    } else if (what < 42) {
      pass_time();
    } else if (what < 62) {
      ask();
    } else if (what < 82) {
      answer_one(false);
    } else if (what < 84) {
      if (!asked_.empty()) kernel_.abort_op(pick(asked_)->first);
    } else if (what < 86) {
      replace_body();
    } else if (what < 90) {
      change_gate();
    } else if (what < 92) {
      configure();
    } else if (what < 94) {
      const GateId gate = 1 + random_.below(kGates);
      kernel_.report_rate(gate, chance(50), random_.below(300), chance(50) ? -1 : random_.below(300) * kMillisecond);
    } else if (what < 96) {
      read_or_reopen();
    } else if (what < 98) {
      // Priority is lent to one that waits.
      if (bodies_.size() < 2) return;
      const FiberId target = bodies_[random_.below(static_cast<u32>(bodies_.size()))];
      const FiberId waiter = bodies_[random_.below(static_cast<u32>(bodies_.size()))];
      if (target != waiter) {
        kernel_.wait(waiter, WaitMode::kAllSettled, &target, 1, false, (1 + random_.below(100)) * kMillisecond);
      }
    } else {
      answer_late_words();
    }
  }

  template <typename Map>
  typename Map::iterator pick(Map& map) {
    auto it = map.begin();
    std::advance(it, random_.below(static_cast<u32>(map.size())));
    return it;
  }

  void step() { kernel_.step(chance(10) ? random_.below(3) : 1000); }

  void pass_time() {
    if (config_.virtual_time) {
      if (chance(20)) kernel_.advance(random_.below(100) * kMillisecond);
      return;
    }
    const Time now = kernel_.now();
    // Often to the very moment at which something is due, or just before.
    if (alarm_ != kNever && chance(40))
      kernel_.set_time(std::max(now, alarm_ - random_.below(2)));
    else
      kernel_.set_time(now + random_.below(chance(20) ? 200'000 : 5'000));
  }

  void submit() {
    SubmitRequest request;
    request.has_priority = true;
    request.priority = static_cast<i32>(random_.below(3));
    request.key = 1 + random_.below(3);
    if (chance(30)) request.retry_budget = random_.below(6);
    if (!bodies_.empty() && chance(40)) request.parent = bodies_[random_.below(static_cast<u32>(bodies_.size()))];
    if (chance(10)) request.timeout = (1 + random_.below(100)) * kMillisecond;
    const FiberId id = kernel_.submit(request);
    if (id == 0) return;
    bodies_.push_back(id);
    kernel_.step(1000);
  }

  void replace_body() {
    if (bodies_.size() > 4) {
      const u32 at = random_.below(static_cast<u32>(bodies_.size()));
      if (chance(60))
        kernel_.cancel(bodies_[at]);
      else
        end_body(at);
    }
    if (bodies_.size() < kBodies) submit();
  }

  // Its body is over: nobody reads what its operations give.
  void end_body(u32 at) {
    const FiberId id = bodies_[at];
    bodies_.erase(bodies_.begin() + at);
    std::erase_if(asked_, [id](const auto& entry) { return entry.second.fiber == id; });
    kernel_.ended(id, chance(80));
  }

  void ask() {
    if (bodies_.empty()) return;
    const FiberId fiber = bodies_[random_.below(static_cast<u32>(bodies_.size()))];
    CallRequest request;
    request.type = chance(85) ? CallClass::kLlm : CallClass::kOther;
    request.stream = chance(40);
    request.once = chance(10);
    if (chance(15)) request.timeout = (1 + random_.below(300)) * kMillisecond;
    if (chance(25)) request.first_token = (1 + random_.below(40)) * kMillisecond;
    if (chance(40)) request.hedge = (1 + random_.below(20)) * kMillisecond;
    Plan plan;
    std::vector<RouteRequest> routes;
    for (u32 n = random_.below(4); n > 0; --n) {
      Plan::Entry entry{};
      for (u32 stage = 0; stage < kStages; ++stage) {
        entry.gates[stage] = chance(60) ? 1 + stage * kPerStage + random_.below(kPerStage) : 0;
      }
      entry.tokens = chance(3) ? 1000 : random_.below(60);
      plan.entries.push_back(entry);
      routes.push_back({{entry.gates[0], entry.gates[1], entry.gates[2]}, entry.tokens});
    }
    request.routes = routes.data();
    request.route_count = static_cast<u32>(routes.size());
    const i32 op = kernel_.call(fiber, request);
    if (op <= 0) return;
    expect(asked_.count(static_cast<u32>(op)) == 0, "the number of an operation was given out twice");
    asked_[static_cast<OpId>(op)] = {fiber, plan, 0, false, {}};
  }

  void answer_one(bool well) {
    if (flying_.empty()) return;
    const auto it = pick(flying_);
    answer(it->first, well);
  }

  void say_used(CallId id, Flying& call, u32 percent) {
    if (!chance(percent)) return;
    const i64 used = random_.below(static_cast<u32>(call.tokens) + 1);
    kernel_.call_used(id, used);
    for (const auto& [gate, at] : call.arrivals) gates_[gate].arrivals[at].tokens = used;
  }

  void answer(CallId id, bool well) {
    Flying& call = flying_.at(id);
    if (call.is_aborted) {
      say_used(id, call, 30);
      flying_.erase(id);
      if (chance(50))
        kernel_.call_closed(id, chance(20) ? random_.below(8) : 0);
      else
        kernel_.call_done(id, false);
      return;
    }
    if (call.is_simulated && !call.is_open) return;
    if (call.is_open) {
      say_used(id, call, 50);
      flying_.erase(id);
      kernel_.call_closed(id, chance(20) ? random_.below(8) : 0);
      return;
    }
    const bool ok = well || chance(50);
    const u32 flags = random_.below(16) | (chance(50) ? 1U : 0);
    const Time retry_after = chance(25) ? random_.below(60) * kMillisecond : -1;
    if (call.will_simulate) {
      call.is_simulated = true;
      call.will_open = call.stream && chance(70);
      kernel_.call_takes(id, random_.below(60) * kMillisecond, ok, call.will_open, flags, retry_after);
      return;
    }
    if (call.stream && ok && chance(80)) {
      call.is_open = true;
      kernel_.call_opened(id);
      return;
    }
    say_used(id, call, 60);
    flying_.erase(id);
    kernel_.call_done(id, ok, flags, retry_after);
  }

  void read_or_reopen() {
    std::vector<CallId> open;
    for (const auto& [id, call] : flying_) {
      if (call.is_open && !call.is_aborted) open.push_back(id);
    }
    if (open.empty()) return;
    const CallId id = open[random_.below(static_cast<u32>(open.size()))];
    Flying call = flying_.at(id);
    if (chance(30)) {
      const i32 op = kernel_.read(call.fiber, id);
      if (op > 0) kernel_.read_takes(static_cast<OpId>(op), random_.below(20) * kMillisecond, true);
      return;
    }
    say_used(id, call, 50);
    // The kernel may start it again before it comes back from this.
    flying_.erase(id);
    const i32 op = kernel_.reopen(call.fiber, id, chance(30) ? random_.below(60) * kMillisecond : -1,
                                  chance(20) ? (1 + random_.below(60)) * kMillisecond : 0);
    if (op > 0) {
      asked_[static_cast<OpId>(op)] = {call.fiber, call.plan, 0, true, {}};
    } else {
      flying_[id] = call;
    }
  }

  void answer_late_words() {
    for (const CallId id : late_) {
      const auto found = flying_.find(id);
      if (found == flying_.end() || found->second.is_aborted || found->second.is_open || found->second.is_simulated)
        continue;
      flying_.erase(found);
      kernel_.call_done(id, false, kRetryable | kFault | (chance(50) ? u32{kFallback} : 0));
    }
    late_.clear();
  }

  void change_gate() {
    const u32 index = random_.below(kGates);
    GateModel& gate = gates_[index];
    const GateId id = index + 1;
    const u32 key = random_.below(11);
    switch (static_cast<GateKey>(key)) {
      case GateKey::kMaxInside: {
        if (gate.is_fixed) return;
        const u32 count = random_.below(6);
        kernel_.set_gate(id, GateKey::kMaxInside, count);
        break;
      }
      case GateKey::kRequests:
      case GateKey::kTokens:
      case GateKey::kWindow:
      case GateKey::kTransit:
        if (gate.is_fixed) return;
        kernel_.set_gate(id, static_cast<GateKey>(key), random_.below(key == 2 ? 300 : key == 1 ? 10 : 200));
        break;
      default: kernel_.set_gate(id, static_cast<GateKey>(key), random_.below(key == 9 ? 80 : 6)); break;
    }
  }

  void configure() {
    switch (random_.below(6)) {
      case 0: kernel_.configure(ConfigKey::kMaxCalls, random_.below(8)); break;
      case 1: kernel_.configure(ConfigKey::kFairness, random_.below(3)); break;
      case 2: kernel_.configure(ConfigKey::kAging, random_.below(2) * 10); break;
      case 3: kernel_.configure(ConfigKey::kCooldown, random_.below(3) * 50); break;
      case 4: kernel_.configure(ConfigKey::kHedgeBurst, random_.below(500)); break;
      default: kernel_.configure(ConfigKey::kBaseDelay, random_.below(10)); break;
    }
  }

  // --- What the kernel wants ---

  void after_event() {
    drain();
    const std::string broken = kernel_.broken_invariant();
    expect(broken.empty(), broken);
    if (kernel_.stats().events % 8 != 0) return;
    const std::vector<GateStats> stats = kernel_.gate_stats();
    for (u32 i = 0; i < kGates; ++i) {
      if (gates_[i].is_fixed) expect(stats[i].inside <= gates_[i].max_inside, "too many inside a gate");
    }
  }

  void drain() {
    std::set<CallId> early;
    while (!kernel_.effects().empty()) {
      const Command command = kernel_.effects().pop();
      if (command.type == CommandType::kAlarm) {
        alarm_ = command.x() < 0 ? kNever : std::llround(command.x() * 1000);
      } else if (command.type == CommandType::kAbortCall) {
        const auto found = flying_.find(command.a);
        if (command.b == 2) {
          late_.insert(command.a);
        } else if (command.b == 1) {
          if (found == flying_.end()) continue;
          expect(found->second.is_simulated, "forgets what was never simulated");
          for (const auto& [gate, at] : found->second.arrivals) gates_[gate].arrivals[at].tokens = 0;
          flying_.erase(found);
        } else if (found == flying_.end()) {
          early.insert(command.a);
        } else {
          expect(!found->second.is_aborted, "aborted twice");
          found->second.is_aborted = true;
        }
      }
    }
    while (!kernel_.runs().empty()) {
      const Command command = kernel_.runs().pop();
      if (command.type == CommandType::kResume) {
        asked_.erase(command.a);
        end_simulated(command.a, static_cast<OpCode>(command.b) == OpCode::kOk);
      } else if (command.type == CommandType::kStartCall) {
        start(command, early.erase(command.a) != 0);
      }
    }
    expect(early.empty(), "an abort of what does not fly");
  }

  void start(const Command& command, bool is_aborted) {
    const CallId id = command.a;
    // One that was simulated has failed, and begins again.
    if (const auto before = flying_.find(id); before != flying_.end()) {
      expect(before->second.is_simulated && !before->second.is_open, "started twice");
      flying_.erase(before);
    }
    Flying& call = flying_[id];
    call.op = command.b;
    call.stream = kernel_.is_stream(id);
    call.is_aborted = is_aborted;
    call.will_simulate = !is_aborted && chance(30);
    const auto found = asked_.find(command.b);
    if (found == asked_.end()) {
      // Its body has ended meanwhile.
      return;
    }
    Asked& asked = found->second;
    call.fiber = asked.fiber;
    call.plan = asked.plan;
    expect(asked.is_reopen || command.c > asked.last_attempt, "the number of an attempt was given twice");
    asked.last_attempt = command.c;
    const u32 entry = command.detail[0];
    if (!asked.is_reopen) {
      expect(++asked.by_entry[entry] <= config_.retry.max_attempts, "more attempts than allowed");
    }
    if (asked.plan.entries.empty()) return;
    expect(entry < asked.plan.entries.size(), "an entry beyond the plan");
    const Plan::Entry& route = asked.plan.entries[entry];
    call.tokens = route.tokens;
    for (const GateId gate : route.gates) {
      if (gate == 0 || !gates_[gate - 1].is_fixed) continue;
      GateModel& model = gates_[gate - 1];
      const Time way = call.will_simulate ? 0
                       : chance(30)       ? model.transit
                                          : random_.below(static_cast<u32>(model.transit) + 1);
      call.arrivals.emplace_back(gate - 1, model.arrivals.size());
      model.arrivals.push_back({kernel_.now() + way, route.tokens});
    }
  }

  // Its operation has ended, and with it what was simulated for it, but for a stream that opened.
  void end_simulated(OpId op, bool ok) {
    for (auto it = flying_.begin(); it != flying_.end();) {
      Flying& call = it->second;
      if (call.op != op || !call.is_simulated || call.is_open) {
        ++it;
      } else if (ok && call.will_open) {
        call.is_open = true;
        ++it;
      } else {
        it = flying_.erase(it);
      }
    }
  }

  // --- The end ---

  // The host answers everything, and time passes: every operation must end by itself.
  void let_all_end() {
    kernel_.configure(ConfigKey::kMaxCalls, 4);
    for (u32 round = 0; round < 30'000 && problem_.empty(); ++round) {
      kernel_.step(1000);
      drain();
      answer_late_words();
      std::vector<CallId> ids;
      for (const auto& [id, call] : flying_) ids.push_back(id);
      for (const CallId id : ids) {
        if (flying_.count(id) != 0) answer(id, true);
        drain();
      }
      if (round % 16 == 0) {
        const std::string broken = kernel_.broken_invariant();
        expect(broken.empty(), broken);
      }
      if (asked_.empty()) return;
      if (!config_.virtual_time && alarm_ != kNever) kernel_.set_time(std::max(kernel_.now() + 1, alarm_));
    }
    expect(false, std::to_string(asked_.size()) + " operations never ended");
  }

  void finish() {
    kernel_.cancel_all(0, Cause::kClosed);
    for (u32 round = 0; round < 60; ++round) {
      kernel_.step(1000);
      drain();
      while (!bodies_.empty()) end_body(0);
      std::vector<CallId> ids;
      for (const auto& [id, call] : flying_) ids.push_back(id);
      for (const CallId id : ids) {
        if (flying_.count(id) != 0) answer(id, true);
        drain();
      }
      for (CallId id = 1; id < 600; ++id) kernel_.call_closed(id);
      if (!config_.virtual_time) kernel_.set_time(kernel_.now() + 1000 * kMillisecond);
    }
    kernel_.step(0);
    const std::string broken = kernel_.broken_invariant();
    expect(broken.empty(), broken + ", at the end");
    const Stats stats = kernel_.stats();
    expect(stats.connections == 0, "calls are left");
    expect(stats.operations == 0, "operations are left");
    expect(stats.timers == 0, "timers are left");
    expect(stats.fibers == 0, "fibers are left");
    expect(stats.reservations == stats.reservations_settled, "reservations are left");
    for (const GateStats& gate : kernel_.gate_stats()) {
      expect(gate.inside == 0 && gate.waiting == 0, "somebody is left at a gate");
    }
  }

  // In each closed window no more arrived than the limit says.
  void look_at_arrivals() {
    for (u32 i = 0; i < kGates; ++i) {
      GateModel& gate = gates_[i];
      if (!gate.is_fixed) continue;
      std::sort(gate.arrivals.begin(), gate.arrivals.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
      u32 requests = 0;
      i64 tokens = 0;
      std::size_t first = 0;
      for (const auto& arrival : gate.arrivals) {
        ++requests;
        tokens += arrival.tokens;
        for (; gate.arrivals[first].at < arrival.at - gate.window; ++first) {
          --requests;
          tokens -= gate.arrivals[first].tokens;
        }
        expect(requests <= gate.requests, "too many requests in a window of gate " + std::to_string(i + 1));
        expect(tokens <= gate.tokens, "too many tokens in a window of gate " + std::to_string(i + 1));
      }
    }
  }

  Random random_;
  KernelConfig config_;
  Kernel kernel_;
  std::vector<Event> record_;
  std::vector<GateModel> gates_;
  std::vector<FiberId> bodies_;
  std::map<OpId, Asked> asked_;  // operations that wait for a call
  std::map<CallId, Flying> flying_;
  std::set<CallId> late_;
  Time alarm_ = kNever;
  std::string problem_;
};

TEST(CallModelTest, random_calls_through_random_gates_keep_every_promise) {
  const char* only = std::getenv("HEDDLE_MODEL_SEED");
  const u64 first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const char* count = std::getenv("HEDDLE_MODEL_SEEDS");
  const u64 last = only != nullptr ? first : count != nullptr ? std::strtoull(count, nullptr, 10) : kSeeds;
  Stats sum;
  for (u64 seed = first; seed <= last; ++seed) {
    CallModel model(seed);
    const std::string problem = model.run();
    ASSERT_EQ(problem, "") << "HEDDLE_MODEL_SEED=" << seed;
    ASSERT_EQ(model.replay(), "") << "HEDDLE_MODEL_SEED=" << seed;
    sum.calls += model.stats().calls;
    sum.retries += model.stats().retries;
    sum.hedges += model.stats().hedges;
    sum.fallbacks += model.stats().fallbacks;
    sum.reservations += model.stats().reservations;
  }
  if (only != nullptr || count != nullptr) return;
  // That all of it happened, and often.
  EXPECT_GT(sum.calls, 200 * kSeeds);
  EXPECT_GT(sum.retries, 20 * kSeeds);
  EXPECT_GT(sum.hedges, 15 * kSeeds);
  EXPECT_GT(sum.fallbacks, 30 * kSeeds);
  EXPECT_GT(sum.reservations, 200 * kSeeds);
}

}  // namespace
}  // namespace heddle
