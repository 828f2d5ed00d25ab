// The control plane: embind free functions with integer ids and UTF-8 JSON. Called rarely; nothing here is on a hot
// path.
//
// JSON comes from our own package, but is checked as if it did not. It is read as a stream of tokens and written as
// text, since the trees of nlohmann_json would be 40 KB of the WebAssembly.
#include <emscripten/bind.h>

#include <nlohmann/json.hpp>
#include <string>

#include "instance.h"
#include "json_text.h"

namespace heddle::wasm {

namespace {

using Json = nlohmann::json;

// What a configuration may hold, each a number: first what the kernel is made with, ...
enum Setting : u32 { kSeed, kVirtual, kDispatch, kQuantum, kSliceMs, kRecord, kFirstOfKernel };
constexpr const char* kSettingNames[] = {"seed", "virtual", "dispatch", "quantum", "sliceMs", "record"};
static_assert(std::size(kSettingNames) == kFirstOfKernel);

// ... then the numeric configuration keys, as the package spells them, in the kernel's order.
constexpr const char* kConfigNames[] = {"maxConcurrentTasks",
                                        "maxConcurrentLLMCalls",
                                        "taskTimeout",
                                        "fairnessMode",
                                        "agingMs",
                                        "graceMs",
                                        "maxZombies",
                                        "maxAttempts",
                                        "baseDelay",
                                        "maxDelay",
                                        "maxRetryAfter",
                                        "budget",
                                        "cooldown",
                                        "hedgeShare",
                                        "hedgeBurst"};
constexpr u32 kCount = kFirstOfKernel + std::size(kConfigNames);

const char* name_of(u32 setting) {
  return setting < kFirstOfKernel ? kSettingNames[setting] : kConfigNames[setting - kFirstOfKernel];
}

// Takes the tokens of a configuration. Unknown keys are left alone, and what they hold.
class Configuration {
 public:
  enum class Found : u8 { kNothing, kNumber, kOther };

  bool is_object() const { return is_object_; }
  Found found(u32 setting) const { return found_[setting]; }
  double value(u32 setting) const { return values_[setting]; }
  double number(u32 setting, double otherwise) const {
    return found_[setting] == Found::kNumber ? values_[setting] : otherwise;
  }

  // The interface of nlohmann_json's readers; false would end the reading.
  bool null() { return other(); }
  bool boolean(bool) { return other(); }
  bool number_integer(Json::number_integer_t number) { return take(static_cast<double>(number)); }
  bool number_unsigned(Json::number_unsigned_t number) { return take(static_cast<double>(number)); }
  bool number_float(Json::number_float_t number, const std::string&) { return take(number); }
  bool string(std::string&) { return other(); }
  bool binary(Json::binary_t&) { return other(); }
  bool start_object(std::size_t) {
    if (depth_ == 0) is_object_ = true;
    return start();
  }
  bool key(std::string& name) {
    if (depth_ != 1) return true;
    for (at_ = 0; at_ < kCount && name != name_of(at_); ++at_) continue;
    return true;
  }
  bool end_object() { return end(); }
  bool start_array(std::size_t) { return start(); }
  bool end_array() { return end(); }
  template <class Error>
  bool parse_error(std::size_t, const std::string&, const Error&) {
    return false;
  }

 private:
  bool start() {
    other();
    ++depth_;
    return true;
  }
  bool end() {
    --depth_;
    return true;
  }
  bool other() {
    if (depth_ == 1 && at_ < kCount) found_[at_] = Found::kOther;
    return true;
  }
  bool take(double number) {
    if (depth_ != 1 || at_ == kCount) return true;
    found_[at_] = Found::kNumber;
    values_[at_] = number;
    return true;
  }

  bool is_object_ = false;
  u32 depth_ = 0;
  u32 at_ = kCount;  // the setting whose value is next, or none
  Found found_[kCount] = {};
  double values_[kCount] = {};
};

// Makes the kernel. Returns an empty string, or what is wrong.
std::string open(const std::string& text) {
  Configuration config;
  if (!Json::sax_parse(text, &config) || !config.is_object()) return "the configuration is not a JSON object";
  if (instance().kernel != nullptr) return "this instance has a kernel already";
  KernelConfig kernel;
  // Any number makes a seed: its bits do.
  kernel.seed = std::bit_cast<u64>(config.number(kSeed, 1));
  kernel.virtual_time = config.number(kVirtual, 0) != 0;
  kernel.dispatch = static_cast<DispatchPolicy>(static_cast<u32>(config.number(kDispatch, 0)) & 3);
  kernel.quantum = static_cast<u32>(config.number(kQuantum, 1000));
  instance().slice_ms = config.number(kSliceMs, 8);
  instance().kernel = std::make_unique<Kernel>(kernel);
  if (config.number(kRecord, 0) != 0) instance().kernel->record_to(&instance().record);
  for (u32 setting = kFirstOfKernel; setting < kCount; ++setting) {
    if (config.found(setting) == Configuration::Found::kNothing) continue;
    if (config.found(setting) == Configuration::Found::kOther)
      return std::string(name_of(setting)) + " is not a number";
    instance().kernel->configure(static_cast<ConfigKey>(setting - kFirstOfKernel), config.value(setting));
  }
  return {};
}

std::string stats() {
  const Stats stats = instance().kernel->stats();
  char hash[17];
  for (int i = 0; i < 16; ++i) hash[i] = "0123456789abcdef"[stats.command_hash >> (60 - 4 * i) & 15];
  hash[16] = 0;
  JsonText json;
  json.open('{');
  const auto count = [&json](const char* name, auto value) { json.integer(name, static_cast<i64>(value)); };
  count("pendingTasks", stats.pending);
  count("runningTasks", stats.running);
  count("suspendedTasks", stats.suspended);
  count("completedTasks", stats.completed);
  count("cancelledTasks", stats.cancelled);
  count("erroredTasks", stats.errored);
  count("zombieTasks", stats.zombies);
  count("unwindingTasks", stats.unwinding);
  count("slots", stats.slots);
  count("concurrentLLMCalls", stats.calls_in_flight);
  count("waitingLLMCalls", stats.calls_waiting);
  count("backoffLLMCalls", stats.calls_in_backoff);
  count("llmCalls", stats.calls);
  count("llmRetries", stats.retries);
  count("llmHedges", stats.hedges);
  count("llmFallbacks", stats.fallbacks);
  count("reservations", stats.reservations);
  count("openReservations", stats.reservations - stats.reservations_settled);
  json.milliseconds("oldestPendingMs", stats.oldest_pending);
  json.milliseconds("oldestWaitingLLMCallMs", stats.oldest_call);
  count("timers", stats.timers);
  count("records", stats.fibers + stats.operations + stats.wait_links + stats.sync_links + stats.connections +
                       stats.shields + stats.limits);
  count("events", stats.events);
  count("steps", stats.steps);
  count("machineSteps", stats.machine_steps);
  count("fibers", stats.light_fibers);
  json.name("commandHash", hash);
  static constexpr const char* kKinds[] = {nullptr,    "mutexes",  "semaphores", "ivars",
                                           "channels", "barriers", "mailboxes"};
  static_assert(std::size(kKinds) == kSyncKinds);
  json.open('{', "objects");
  for (u32 kind = 1; kind < kSyncKinds; ++kind) count(kKinds[kind], stats.objects[kind]);
  json.close('}');
  json.close('}');
  return json.take();
}

// Of every gate, in the order of their numbers.
std::string gates() {
  static constexpr const char* kCircuits[] = {"closed", "open", "half-open"};
  JsonText json;
  json.open('[');
  for (const GateStats& gate : instance().kernel->gate_stats()) {
    json.open('{');
    json.integer("inside", gate.inside);
    json.integer("waiting", gate.waiting);
    json.integer("requests", gate.requests);
    json.integer("tokens", gate.tokens);
    json.name("circuit", kCircuits[gate.circuit]);
    json.milliseconds("circuitUntil", gate.circuit_until);
    json.milliseconds("coolingUntil", gate.cooling_until);
    if (gate.limit != UINT32_MAX) json.integer("limit", gate.limit);
    json.close('}');
  }
  json.close(']');
  return json.take();
}

constexpr const char* kActs[] = {nullptr, "lock", "acquire", "take", "send", "receive", "pass"};

std::string explain(u32 fiber) {
  static constexpr const char* kReasons[] = {"slot",      "zombies", "turn",      "host",   "delay",    "fibers",
                                             "llmPlace",  "backoff", "call",      "chunk",  "children", "settled",
                                             "unwinding", "rate",    "gatePlace", "objects"};
  JsonText json;
  json.open('[');
  for (const WaitFact& fact : instance().kernel->explain(fiber)) {
    json.open('{');
    json.name("reason", kReasons[static_cast<u32>(fact.reason)]);
    json.milliseconds("since", fact.since);
    if (fact.until != kNever) json.milliseconds("until", fact.until);
    if (fact.limit != 0) json.integer("limit", fact.limit);
    if (fact.limit != 0 || !fact.objects.empty()) json.integer("ahead", fact.ahead);
    if (fact.gate != 0) json.integer("gate", fact.gate);
    if (!fact.fibers.empty()) {
      json.open('[', "fibers");
      for (const FiberId id : fact.fibers) json.integer(nullptr, id);
      json.close(']');
    }
    if (!fact.objects.empty()) {
      json.open('[', "objects");
      for (const WaitedObject& object : fact.objects) {
        json.open('{');
        json.integer("id", object.id);
        json.name("act", kActs[static_cast<u32>(object.act)]);
        json.close('}');
      }
      json.close(']');
    }
    json.close('}');
  }
  json.close(']');
  return json.take();
}

// Who waits for whom in a deadlock, by its number; "{}" where it is not known any more.
std::string deadlock(u32 number) {
  JsonText json;
  json.open('{');
  if (const Deadlock* found = instance().kernel->deadlock(number)) {
    json.integer("isCycle", found->is_cycle ? 1 : 0);
    json.open('[', "links");
    for (const DeadlockLink& link : found->links) {
      json.open('{');
      json.integer("fiber", link.fiber);
      json.integer("seq", link.seq);
      if (link.object != 0) {
        json.integer("object", link.object);
        json.integer("objectSeq", link.object_seq);
        json.name("act", kActs[static_cast<u32>(link.act)]);
      }
      if (link.holder != 0) {
        json.integer("holder", link.holder);
        json.integer("holderSeq", link.holder_seq);
      }
      json.close('}');
    }
    json.close(']');
  }
  json.close('}');
  return json.take();
}

// The events so far, where `record` was asked for: address and count of 32-byte records, valid until the next call.
u32 recorded_address() { return static_cast<u32>(reinterpret_cast<std::uintptr_t>(instance().record.data())); }
u32 recorded_count() { return static_cast<u32>(instance().record.size()); }

}  // namespace

EMSCRIPTEN_BINDINGS(heddle) {
  emscripten::function("open", &open);
  emscripten::function("stats", &stats);
  emscripten::function("gates", &gates);
  emscripten::function("explain", &explain);
  emscripten::function("deadlock", &deadlock);
  emscripten::function("recordedAddress", &recorded_address);
  emscripten::function("recordedCount", &recorded_count);
}

}  // namespace heddle::wasm
