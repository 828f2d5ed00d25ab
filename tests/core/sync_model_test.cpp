// Random programs over all objects at which fibers wait for each other, with cancels, timeouts, aborts, shields, fibers
// that end with what they hold or wait for, and objects that are released in use. After each event the kernel must have
// done what a small model says; every value that was sent is received once or told as dropped, permits and mutexes are
// never lost nor minted; when all is over nothing is left; and the recorded events give the same commands again. A
// failure names its seed; HEDDLE_MODEL_SEED=n runs that one, HEDDLE_MODEL_SEEDS=n the first n.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "kernel/random.h"
#include "support/sync_model.h"

namespace heddle::testing {
namespace {

// Together more than a million operations. The short ones look at everything after each event.
constexpr u64 kLong = 300;
constexpr u64 kShort = 300;
constexpr u32 kLongEvents = 4500;
constexpr u32 kShortEvents = 200;

class SyncProgram {
 public:
  explicit SyncProgram(u64 seed)
      : events_(seed % 2 == 0 ? kLongEvents : kShortEvents),
        look_each_(seed % 2 == 0 ? 100 : 1),
        random_(seed, 61),
        config_(config_for(seed)),
        kernel_(config_) {
    kernel_.record_to(&record_);
    most_fibers_ = 2 + random_.below(10);
    most_objects_ = 1 + random_.below(8);
    model_.choices = [this]() -> const std::map<OpId, u32>& {
      if (!has_stepped_) {
        // All that was woken must be told, also where there is no slot for it.
        kernel_.configure(ConfigKey::kMaxTasks, 1e6);
        step_kernel(1'000'000);
        kernel_.configure(ConfigKey::kMaxTasks, config_.max_tasks);
      }
      return told_;
    };
  }

  // Gives what went wrong, or nothing.
  std::string run() {
    for (u32 i = 0; i < events_; ++i) {
      act();
      after_event(i % look_each_ == 0);
      if (!model_.problem.empty()) return model_.problem + ", after event " + std::to_string(i);
    }
    finish();
    return model_.problem;
  }

  std::string replay() const {
    Kernel again(config_);
    for (const Event& event : record_) again.apply(event);
    if (again.stats().command_hash != kernel_.stats().command_hash) return "other commands in the replay";
    return again.broken_invariant();
  }

  u32 deadlocks() const { return deadlocks_; }
  u64 operations() const { return operations_; }
  u64 zombies() const { return zombies_; }
  const std::vector<u32>& chosen() const { return model_.chosen; }

 private:
  static KernelConfig config_for(u64 seed) {
    Random random(seed, 62);
    KernelConfig config;
    config.seed = seed;
    config.dispatch = static_cast<DispatchPolicy>(random.below(4));
    config.fairness = static_cast<FairnessMode>(random.below(3));
    config.max_tasks = random.below(4) == 0 ? 2 + random.below(4) : 1000;
    config.grace = random.below(2) == 0 ? 3 * kMillisecond : Time{1'000'000} * 1000 * kMillisecond;
    return config;
  }

  bool chance(u32 percent) { return random_.below(100) < percent; }

  // --- Picking

  // One of those that may act, or 0.
  FiberId actor() {
    picked_.clear();
    for (const auto& [id, fiber] : model_.fibers) {
      if (fiber.is_started && !fiber.is_over) picked_.push_back(id);
    }
    return picked_.empty() ? 0 : picked_[random_.below(static_cast<u32>(picked_.size()))];
  }
  SyncId object(SyncKind kind) {
    picked_.clear();
    for (const auto& [id, object] : model_.objects) {
      if (object.kind == kind) picked_.push_back(id);
    }
    return picked_.empty() ? 0 : picked_[random_.below(static_cast<u32>(picked_.size()))];
  }
  SyncId any_object() {
    if (model_.objects.empty()) return 0;
    auto i = model_.objects.begin();
    std::advance(i, random_.below(static_cast<u32>(model_.objects.size())));
    return i->first;
  }
  ShieldId shield_of(FiberId fiber) {
    const auto& sections = model_.fibers.at(fiber).sections;
    return sections.empty() || !chance(40) ? 0 : sections.begin()->first;
  }
  // No two are due at one time.
  Time due() {
    Time at = now_ + (1 + random_.below(8)) * kMillisecond;
    while (!dues_.insert(at).second) ++at;
    return at;
  }
  u32 token() { return ++tokens_; }

  SyncCase any_case() {
    SyncCase one;
    one.object = any_object();
    if (one.object == 0 || chance(2)) return {static_cast<SyncAct>(1 + random_.below(6)), random_.below(12), token()};
    const SyncModel::Object& at = model_.objects.at(one.object);
    switch (at.kind) {
      case SyncKind::kMutex: one.act = SyncAct::kLock; break;
      case SyncKind::kSemaphore:
        one.act = SyncAct::kAcquire;
        one.value = chance(3) ? random_.below(2) * (at.limit + 1) : 1 + random_.below(at.limit);
        break;
      case SyncKind::kIvar: one.act = SyncAct::kTake; break;
      case SyncKind::kChannel:
      case SyncKind::kMailbox: one.act = chance(50) ? SyncAct::kSend : SyncAct::kReceive; break;
      default: one.act = SyncAct::kPass;
    }
    if (one.act == SyncAct::kSend) one.value = token();
    return one;
  }

  // --- Events

  void act() {
    const u32 what = random_.below(100);
    if (model_.fibers.size() < 2 || what >= 98) return spawn();
    if (model_.objects.empty() || what == 97) return make();
    if (what < 34) return begin(1);
    if (what < 52) return begin(random_.below(5));
    if (what < 72) return do_now();
    if (what < 83) return step(chance(80) ? 1000 : random_.below(3));
    if (what < 86) return pass_time();
    if (what < 88) return cancel();
    if (what < 90) return abort();
    if (what < 93) return protect();
    if (what < 96) return end();
    if (model_.objects.size() > 1) release();
  }

  void begin(u32 count) {
    const FiberId fiber = actor();
    if (fiber == 0) return;
    ++operations_;
    std::vector<SyncCase> cases;
    for (u32 i = 0; i < count; ++i) cases.push_back(any_case());
    const bool may_wait = !chance(15);
    const ShieldId shield = shield_of(fiber);
    const Time due_at = chance(20) ? due() : kNever;
    const Time timeout = due_at == kNever ? 0 : due_at - now_;
    const i32 answer = count == 1 ? kernel_.sync(fiber, cases[0], may_wait, timeout, shield)
                                  : kernel_.select(fiber, cases.data(), count, may_wait, timeout, shield);
    const SyncResult got = kernel_.sync_result();
    if (answer > 0) {
      for (const SyncCase& one : cases) sent(one);
    } else if (answer == kDone && got.index < count) {
      const SyncCase& done = cases[got.index];
      sent(done);
      if (done.act == SyncAct::kAcquire) lent_[done.object] += done.value;
      if (done.act == SyncAct::kReceive && !got.is_closed) received(got.value);
      if (done.act == SyncAct::kTake && kept_.count(got.value) == 0) model_.fail("took a value that is not there");
    }
    model_.act(fiber, cases, may_wait, shield, due_at, answer, got);
  }

  void do_now() {
    ++operations_;
    FiberId fiber = actor();
    SyncDo what = SyncDo::kUnlock;
    SyncId id = 0;
    u32 value = 0;
    const u32 which = random_.below(10);
    if (which < 5) {
      id = object(SyncKind::kMutex);
      if (id != 0 && model_.objects.at(id).holder != 0 && !chance(10)) fiber = model_.objects.at(id).holder;
      // One that was handed over and does not know it yet.
      if (fiber == 0 || !has_heard(fiber, id)) return;
    } else if (which < 8) {
      what = SyncDo::kGive;
      id = object(SyncKind::kSemaphore);
      if (id == 0) return;
      const SyncModel::Object& at = model_.objects.at(id);
      value = chance(5) ? at.limit - at.free + 1 : lent_[id] == 0 ? 0 : 1 + random_.below(lent_[id]);
      if (value <= lent_[id]) lent_[id] -= value;
    } else if (which < 9 || !chance(25)) {
      what = SyncDo::kPut;
      id = object(SyncKind::kIvar);
      value = token();
    } else {
      what = SyncDo::kClose;
      id = object(chance(50) ? SyncKind::kChannel : SyncKind::kMailbox);
    }
    if (what != SyncDo::kGive && chance(1)) id = random_.below(12);
    const i32 answer = kernel_.sync_now(fiber, what, id, value);
    if (what == SyncDo::kPut && answer == kDone) kept_.insert(value);
    model_.do_now(fiber, what, id, value, answer);
  }

  bool has_heard(FiberId fiber, SyncId mutex) const {
    for (const auto& [op, result] : model_.results) {
      if (result.fiber == fiber && result.code == OpCode::kOk && result.done.act == SyncAct::kLock &&
          result.done.object == mutex) {
        return false;
      }
    }
    return true;
  }

  void step_kernel(u32 limit) {
    has_stepped_ = true;
    has_rested_ = !kernel_.step(limit);
    while (const Deadlock* found = kernel_.deadlock(deadlocks_ + 1)) {
      ++deadlocks_;
      model_.deadlock(found->links[0].fiber, deadlocks_);
    }
    told_.clear();
    while (!kernel_.runs().empty()) {
      const Command command = kernel_.runs().pop();
      runs_.push_back(command);
      if (command.type == CommandType::kResume && (command.b & 0xff) == 0) told_[command.a] = command.b >> 8;
    }
  }

  void step(u32 limit) { step_kernel(limit); }

  void pass_time() {
    now_ += random_.below(6) * kMillisecond + 999;
    kernel_.set_time(now_);
    step_kernel(chance(80) ? 1000 : 0);
    model_.time_is(now_);
  }

  void cancel() {
    if (model_.fibers.empty()) return;
    auto i = model_.fibers.begin();
    std::advance(i, random_.below(static_cast<u32>(model_.fibers.size())));
    const FiberId id = i->first;
    const bool could = !i->second.is_cancelled;
    if (kernel_.cancel(id) != could) model_.fail("a cancel of what is cancelled, or not");
    if (could) model_.cancel(id);
  }

  void abort() {
    const u32 size = static_cast<u32>(model_.waiting.size());
    const OpId op = size == 0 || chance(5) ? 1 + random_.below(40) : model_.waiting[random_.below(size)].op;
    model_.abort_op(op, kernel_.abort_op(op));
  }

  void protect() {
    const FiberId fiber = actor();
    if (fiber == 0) return;
    const auto& sections = model_.fibers.at(fiber).sections;
    if (!sections.empty() && chance(60)) {
      const ShieldId id = sections.begin()->first;
      kernel_.unshield(id);
      model_.unshield(fiber, id);
    } else {
      const Time due_at = due();
      model_.shield(fiber, kernel_.shield(fiber, due_at - now_), due_at);
    }
  }

  void end() {
    const FiberId id = actor();
    if (id == 0) return;
    // Mostly those that have to.
    if (!model_.fibers.at(id).is_cancelled && chance(40)) return;
    end_body(id, chance(50));
  }

  void end_body(FiberId id, bool completed) {
    if (model_.fibers.at(id).is_outside) {
      kernel_.outside_done(id);
    } else {
      kernel_.ended(id, completed);
    }
    model_.ended(id, completed);
  }

  void spawn() {
    if (model_.fibers.size() >= most_fibers_) return;
    if (chance(10)) {
      const FiberId id = kernel_.outside();
      return model_.add_fiber(id, 0, 0, true, kNever);
    }
    SubmitRequest request;
    Time deadline = kNever;
    if (chance(20)) request.deadline = deadline = due();
    if (chance(40)) {
      const FiberId parent = actor();
      if (parent != 0 && !model_.fibers.at(parent).is_cancelled) request.parent = parent;
    }
    const FiberId id = kernel_.submit(request);
    if (id == 0) return model_.fail("a submit was refused");
    model_.add_fiber(id, kernel_.seq(id), request.parent, false, deadline);
    step_kernel(1000);
  }

  void make() {
    if (model_.objects.size() >= most_objects_) return;
    const SyncKind kind = static_cast<SyncKind>(1 + random_.below(kSyncKinds - 1));
    const bool may_be_none = kind != SyncKind::kSemaphore && kind < SyncKind::kBarrier;
    const u32 limit = (may_be_none ? 0 : 1) + random_.below(4);
    const auto overflow = static_cast<SyncOverflow>(kind == SyncKind::kMailbox ? random_.below(4) : 0);
    model_.make(kernel_.make_object(kind, limit, overflow), kind, limit, overflow);
  }

  void release() {
    const SyncId id = any_object();
    kernel_.release_object(id);
    lent_.erase(id);
    model_.release(id);
  }

  // --- Looking

  void sent(const SyncCase& one) {
    if (one.act == SyncAct::kSend) kept_.insert(one.value);
  }
  void received(u32 value) {
    if (kept_.erase(value) == 0) model_.fail("a value came twice, or from nowhere");
  }

  void deliver(const Command& command) {
    if (command.type == CommandType::kStart) {
      model_.fibers.at(command.a).is_started = true;
      return;
    }
    const auto found = model_.results.find(command.a);
    if (found != model_.results.end() && found->second.code == OpCode::kOk) {
      const SyncModel::Result& result = found->second;
      if (result.done.act == SyncAct::kReceive) received(command.c);
      const auto object = model_.objects.find(result.done.object);
      if (result.done.act == SyncAct::kAcquire && object != model_.objects.end() &&
          object->second.number == result.object) {
        lent_[result.done.object] += result.value;
      }
    }
    model_.deliver(command.a, static_cast<OpCode>(command.b & 0xff), command.b >> 8, command.c);
  }

  void after_event(bool looks_at_all) {
    for (const Command& command : runs_) deliver(command);
    runs_.clear();
    if (has_stepped_ && has_rested_ && config_.max_tasks == 1000 && !model_.results.empty()) {
      model_.fail("somebody who could go on was not told");
    }
    has_stepped_ = false;
    std::vector<u32> dropped;
    std::vector<std::pair<SyncId, u32>> not_released;
    while (!kernel_.effects().empty()) {
      const Command command = kernel_.effects().pop();
      if (command.type == CommandType::kDropped) {
        dropped.push_back(command.a);
        received(command.a);
      } else if (command.type == CommandType::kZombie && command.b == 1) {
        model_.leave_parent(command.a);
        ++zombies_;
      } else if (command.type == CommandType::kNotReleased) {
        not_released.emplace_back(command.a, command.b);
      }
    }
    std::sort(dropped.begin(), dropped.end());
    std::sort(model_.dropped.begin(), model_.dropped.end());
    if (dropped != model_.dropped) model_.fail("other values are dropped");
    model_.dropped.clear();
    std::sort(not_released.begin(), not_released.end());
    std::sort(model_.not_released.begin(), model_.not_released.end());
    if (not_released != model_.not_released) model_.fail("other mutexes were not released");
    model_.not_released.clear();
    for (const auto& [id, object] : model_.objects) {
      if (kernel_.object_count(id) != model_.count(id))
        model_.fail("object " + std::to_string(id) + " has other counts");
      if (kernel_.holder(id) != object.holder) model_.fail("object " + std::to_string(id) + " has another holder");
    }
    if (!looks_at_all) return;
    const Stats stats = kernel_.stats();
    if (stats.sync_links != model_.ties()) model_.fail("other ties");
    if (stats.operations != model_.waiting.size() + model_.results.size()) model_.fail("other operations");
    look_at_permits();
    const std::string broken = kernel_.broken_invariant();
    if (!broken.empty()) model_.fail(broken);
  }

  void look_at_permits() {
    for (const auto& [id, object] : model_.objects) {
      if (object.kind != SyncKind::kSemaphore) continue;
      u32 sum = kernel_.object_count(id) + lent_[id];
      for (const auto& [op, result] : model_.results) {
        if (result.object == object.number && result.code == OpCode::kOk) sum += result.value;
      }
      if (sum != object.limit) model_.fail("permits do not add up");
    }
  }

  // All bodies end, all objects go.
  void finish() {
    while (!model_.fibers.empty() && model_.problem.empty()) {
      const std::size_t before = model_.fibers.size();
      for (const auto& [id, fiber] : std::map<FiberId, SyncModel::Fiber>(model_.fibers)) {
        if (model_.fibers.count(id) == 0 || fiber.is_over) continue;
        if (fiber.is_started) {
          end_body(id, false);
        } else if (kernel_.cancel(id)) {
          model_.cancel(id);
        }
        after_event(true);
      }
      step_kernel(1000);
      after_event(true);
      if (model_.fibers.size() >= before) return model_.fail("a fiber does not end");
    }
    if (!model_.waiting.empty()) model_.fail("somebody waits who is over");
    while (!model_.objects.empty() && model_.problem.empty()) {
      release();
      after_event(true);
    }
    step_kernel(1000);
    after_event(true);
    if (!kept_.empty()) model_.fail("a value is neither received nor dropped");
    const Stats stats = kernel_.stats();
    u64 left = u64{stats.fibers} + stats.operations + stats.sync_links + stats.shields + stats.limits + stats.timers +
               stats.slots + stats.unwinding + stats.zombies;
    for (const u32 count : stats.objects) left += count;
    if (left != 0) model_.fail("something is left over");
  }

  u32 events_;
  u32 look_each_;
  Random random_;
  KernelConfig config_;
  Kernel kernel_;
  SyncModel model_;
  std::vector<Event> record_;
  std::vector<u32> picked_;
  std::vector<Command> runs_;   // told, and not carried out yet
  std::map<OpId, u32> told_;    // of the last step: which case was done
  std::map<SyncId, u32> lent_;  // permits that fibers know they have
  std::set<u32> kept_;          // values in the kernel's hands
  Time now_ = 0;
  std::set<Time> dues_;
  u32 tokens_ = 0;
  u32 most_fibers_ = 0;
  u32 most_objects_ = 0;
  u64 operations_ = 0;
  u32 deadlocks_ = 0;
  u64 zombies_ = 0;
  bool has_stepped_ = false;
  bool has_rested_ = false;
};

TEST(SyncModelTest, random_programs_do_what_the_model_says) {
  const char* only = std::getenv("HEDDLE_MODEL_SEED");
  const char* count = std::getenv("HEDDLE_MODEL_SEEDS");
  const u64 first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const u64 last = only != nullptr ? first : count != nullptr ? std::strtoull(count, nullptr, 10) : kLong + kShort;
  u64 operations = 0;
  u64 deadlocks = 0;
  u64 zombies = 0;
  std::vector<u64> chosen(4, 0);
  for (u64 seed = first; seed <= last; ++seed) {
    SyncProgram program(seed);
    ASSERT_EQ(program.run(), "") << "HEDDLE_MODEL_SEED=" << seed;
    ASSERT_EQ(program.replay(), "") << "HEDDLE_MODEL_SEED=" << seed;
    operations += program.operations();
    deadlocks += program.deadlocks();
    zombies += program.zombies();
    for (std::size_t i = 0; i < program.chosen().size(); ++i) chosen[i] += program.chosen()[i];
  }
  if (only != nullptr || count != nullptr) return;
  EXPECT_GT(operations, 1'000'000u);
  EXPECT_GT(deadlocks, 100u);
  EXPECT_GT(zombies, 1000u);
  // Of cases that could be done at once, each was the one now and then.
  for (const u64 times : chosen) EXPECT_GT(times, 1000u);
}

}  // namespace
}  // namespace heddle::testing
