// The control plane: embind free functions with integer ids and UTF-8 JSON. Called rarely; nothing here is on a hot
// path.
//
// JSON comes from our own package, but is checked as if it did not: nlohmann_json is built without exceptions and would
// abort on a wrong type, so each value's type is asked before it is read.
#include <emscripten/bind.h>

#include <nlohmann/json.hpp>
#include <string>

#include "instance.h"

namespace heddle::wasm {

namespace {

using Json = nlohmann::json;

// The numeric configuration keys, as the package spells them, in the kernel's order.
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

double number(const Json& json, const char* key, double otherwise) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : otherwise;
}

// Makes the kernel. Returns an empty string, or what is wrong.
std::string open(const std::string& text) {
  const Json config = Json::parse(text, nullptr, false);
  if (!config.is_object()) return "the configuration is not a JSON object";
  if (instance().kernel != nullptr) return "this instance has a kernel already";
  KernelConfig kernel;
  // Any number makes a seed: its bits do.
  kernel.seed = std::bit_cast<u64>(number(config, "seed", 1));
  kernel.virtual_time = number(config, "virtual", 0) != 0;
  kernel.dispatch = static_cast<DispatchPolicy>(static_cast<u32>(number(config, "dispatch", 0)) & 3);
  kernel.quantum = static_cast<u32>(number(config, "quantum", 1000));
  instance().slice_ms = number(config, "sliceMs", 8);
  instance().kernel = std::make_unique<Kernel>(kernel);
  if (number(config, "record", 0) != 0) instance().kernel->record_to(&instance().record);
  for (u32 key = 0; key < std::size(kConfigNames); ++key) {
    const auto found = config.find(kConfigNames[key]);
    if (found == config.end()) continue;
    if (!found->is_number()) return std::string(kConfigNames[key]) + " is not a number";
    instance().kernel->configure(static_cast<ConfigKey>(key), found->get<double>());
  }
  return {};
}

double ms(Time time) { return static_cast<double>(time) / 1000.0; }

std::string stats() {
  const Stats stats = instance().kernel->stats();
  char hash[17];
  for (int i = 0; i < 16; ++i) hash[i] = "0123456789abcdef"[stats.command_hash >> (60 - 4 * i) & 15];
  hash[16] = 0;
  return Json{{"pendingTasks", stats.pending},
              {"runningTasks", stats.running},
              {"suspendedTasks", stats.suspended},
              {"completedTasks", stats.completed},
              {"cancelledTasks", stats.cancelled},
              {"erroredTasks", stats.errored},
              {"zombieTasks", stats.zombies},
              {"unwindingTasks", stats.unwinding},
              {"slots", stats.slots},
              {"concurrentLLMCalls", stats.calls_in_flight},
              {"waitingLLMCalls", stats.calls_waiting},
              {"backoffLLMCalls", stats.calls_in_backoff},
              {"llmCalls", stats.calls},
              {"llmRetries", stats.retries},
              {"llmHedges", stats.hedges},
              {"llmFallbacks", stats.fallbacks},
              {"reservations", stats.reservations},
              {"openReservations", stats.reservations - stats.reservations_settled},
              {"oldestPendingMs", ms(stats.oldest_pending)},
              {"oldestWaitingLLMCallMs", ms(stats.oldest_call)},
              {"timers", stats.timers},
              {"records",
               stats.fibers + stats.operations + stats.wait_links + stats.connections + stats.shields + stats.limits},
              {"events", stats.events},
              {"steps", stats.steps},
              {"machineSteps", stats.machine_steps},
              {"fibers", stats.light_fibers},
              {"commandHash", hash}}
      .dump();
}

// Of every gate, in the order of their numbers.
std::string gates() {
  static constexpr const char* kCircuits[] = {"closed", "open", "half-open"};
  Json all = Json::array();
  for (const GateStats& gate : instance().kernel->gate_stats()) {
    Json json{{"inside", gate.inside},
              {"waiting", gate.waiting},
              {"requests", gate.requests},
              {"tokens", gate.tokens},
              {"circuit", kCircuits[gate.circuit]},
              {"circuitUntil", ms(gate.circuit_until)},
              {"coolingUntil", ms(gate.cooling_until)}};
    if (gate.limit != UINT32_MAX) json["limit"] = gate.limit;
    all.push_back(std::move(json));
  }
  return all.dump();
}

std::string explain(u32 fiber) {
  static constexpr const char* kReasons[] = {"slot",     "zombies",  "turn",      "host", "delay",
                                             "fibers",   "llmPlace", "backoff",   "call", "chunk",
                                             "children", "settled",  "unwinding", "rate", "gatePlace"};
  Json facts = Json::array();
  for (const WaitFact& fact : instance().kernel->explain(fiber)) {
    Json json{{"reason", kReasons[static_cast<u32>(fact.reason)]}, {"since", ms(fact.since)}};
    if (fact.until != kNever) json["until"] = ms(fact.until);
    if (fact.limit != 0) {
      json["limit"] = fact.limit;
      json["ahead"] = fact.ahead;
    }
    if (fact.gate != 0) json["gate"] = fact.gate;
    if (!fact.fibers.empty()) json["fibers"] = fact.fibers;
    facts.push_back(std::move(json));
  }
  return facts.dump();
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
