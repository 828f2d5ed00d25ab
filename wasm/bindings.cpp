// The control plane: embind free functions with integer ids and UTF-8 JSON. Called rarely; nothing here is on a hot
// path.
//
// JSON comes from our own package, but is checked as if it did not. It is read as a stream of members and written as
// text: the trees of nlohmann_json would be 40 KB of the WebAssembly, its tokens with the C library's strtod 19 KB.
#include <emscripten/bind.h>

#include <bit>
#include <string>

#include "instance.h"
#include "json_reader.h"
#include "json_text.h"

namespace heddle::wasm {

namespace {

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

// Takes the members of a configuration. Unknown ones are left alone.
class Configuration final : public JsonMembers {
 public:
  enum class Found : u8 { kNothing, kNumber, kOther };

  Found found(u32 setting) const { return found_[setting]; }
  double value(u32 setting) const { return values_[setting]; }
  double number(u32 setting, double otherwise) const {
    return found_[setting] == Found::kNumber ? values_[setting] : otherwise;
  }

  void number(std::string_view name, double value) override {
    const u32 setting = setting_of(name);
    if (setting == kCount) return;
    found_[setting] = Found::kNumber;
    values_[setting] = value;
  }
  void other(std::string_view name) override {
    const u32 setting = setting_of(name);
    if (setting != kCount) found_[setting] = Found::kOther;
  }

 private:
  static u32 setting_of(std::string_view name) {
    u32 setting = 0;
    while (setting < kCount && name != name_of(setting)) ++setting;
    return setting;
  }

  Found found_[kCount] = {};
  double values_[kCount] = {};
};

// Makes the kernel. Returns an empty string, or what is wrong.
std::string open(const std::string& text) {
  Configuration config;
  if (!JsonReader(text).read(config)) return "the configuration is not a JSON object";
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
  count("records",
        stats.fibers + stats.operations + stats.wait_links + stats.connections + stats.shields + stats.limits);
  count("events", stats.events);
  count("steps", stats.steps);
  count("machineSteps", stats.machine_steps);
  count("fibers", stats.light_fibers);
  json.name("commandHash", hash);
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

std::string explain(u32 fiber) {
  static constexpr const char* kReasons[] = {"slot",     "zombies",  "turn",      "host", "delay",
                                             "fibers",   "llmPlace", "backoff",   "call", "chunk",
                                             "children", "settled",  "unwinding", "rate", "gatePlace"};
  JsonText json;
  json.open('[');
  for (const WaitFact& fact : instance().kernel->explain(fiber)) {
    json.open('{');
    json.name("reason", kReasons[static_cast<u32>(fact.reason)]);
    json.milliseconds("since", fact.since);
    if (fact.until != kNever) json.milliseconds("until", fact.until);
    if (fact.limit != 0) {
      json.integer("limit", fact.limit);
      json.integer("ahead", fact.ahead);
    }
    if (fact.gate != 0) json.integer("gate", fact.gate);
    if (!fact.fibers.empty()) {
      json.open('[', "fibers");
      for (const FiberId id : fact.fibers) json.integer(nullptr, id);
      json.close(']');
    }
    json.close('}');
  }
  json.close(']');
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
  emscripten::function("recordedAddress", &recorded_address);
  emscripten::function("recordedCount", &recorded_count);
}

}  // namespace heddle::wasm
