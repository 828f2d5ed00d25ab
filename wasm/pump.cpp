// The pump, and the data plane around it.
//
// pump() is the scheduler's loop and has one await point: host_wait, which hands the commands to JavaScript and
// suspends the C++ stack until JavaScript has events; Asyncify or JSPI makes a Promise of that. It is the only function
// of the module that ever suspends. While it sleeps, and only then, JavaScript runs, and may call the other exports: an
// operation applies at once, and what it wants is in the rings when it returns. Events that need no answer come through
// the event ring; every export drains it first, so that the order of events is the order in which JavaScript said them.
//
// Partner: js/src/engine/engine.ts.
#include "instance.h"

#define HEDDLE_EXPORT(name) __attribute__((export_name(name)))

extern "C" {
// Suspends until the host has something to say.
__attribute__((import_module("env"), import_name("host_wait"))) void host_wait();
// The host's clock in milliseconds; says how long a turn took, never enters the kernel.
__attribute__((import_module("env"), import_name("host_now"))) double host_now();
}

namespace heddle::wasm {

namespace {

// Turns between two looks at the clock, and host commands after which the host gets control in any case. The second one
// depends on nothing but the commands, so that what the host does in between is the same in each run of one program.
constexpr u32 kTurns = 256;
constexpr u32 kBatch = 4096;
// Steps of computation after the host was first told something in a turn: some milliseconds. As long as it was told
// nothing, the clock may say when it gets control, because it will find nothing to do.
constexpr u64 kTurnSteps = 1'000'000;

// One turn: until nothing can run, or the host has enough to do, or a computation in the core has used its slice.
void turn() {
  Instance& self = instance();
  Kernel& kernel = drained();
  u64 told_at = kernel.machine_steps();
  bool more = kernel.step(kTurns);
  if (more) {
    const double start = host_now();
    while (more && kernel.runs().size() < kBatch) {
      const bool is_silent = kernel.runs().empty() && kernel.effects().empty();
      if (is_silent ? host_now() - start >= self.slice_ms : kernel.machine_steps() - told_at >= kTurnSteps) break;
      if (is_silent) told_at = kernel.machine_steps();
      more = kernel.step(kTurns);
    }
  }
  self.status.more = more || kernel.awaits_host() ? 1 : 0;
  self.status.foreign = kernel.foreign();
}

}  // namespace

Instance& instance() {
  static Instance self;
  return self;
}

Kernel& drained() {
  Instance& self = instance();
  while (!self.events.empty()) self.kernel->apply(self.events.pop());
  return *self.kernel;
}

Time from_ms(double ms) {
  const double us = ms * 1000.0;
  if (!(us > 0)) return 0;
  return us >= static_cast<double>(kMaxSpan) ? kMaxSpan : static_cast<Time>(us + 0.5);
}

}  // namespace heddle::wasm

using namespace heddle;
using heddle::wasm::drained;
using heddle::wasm::from_ms;
using heddle::wasm::instance;

extern "C" {

HEDDLE_EXPORT("pump") void pump() {
  while (!instance().closing) {
    heddle::wasm::turn();
    host_wait();
  }
  instance().status.stopped = 1;
}

// A turn while the pump sleeps, for a host whose own turn is over already (Engine: turns in a row).
HEDDLE_EXPORT("hd_turn") void hd_turn() { heddle::wasm::turn(); }

// The pump returns at its next wake-up.
HEDDLE_EXPORT("hd_close") void hd_close() { instance().closing = true; }

// Addresses of what the host reads and writes in place.
HEDDLE_EXPORT("hd_runs") void* hd_runs() { return &instance().kernel->runs(); }
HEDDLE_EXPORT("hd_effects") void* hd_effects() { return &instance().kernel->effects(); }
HEDDLE_EXPORT("hd_events") void* hd_events() { return &instance().events; }
HEDDLE_EXPORT("hd_status") void* hd_status() { return &instance().status; }

// Room for the targets of the next hd_wait.
HEDDLE_EXPORT("hd_targets") u32* hd_targets(u32 count) {
  instance().targets.resize(count);
  return instance().targets.data();
}

HEDDLE_EXPORT("hd_drain") void hd_drain() { drained(); }
HEDDLE_EXPORT("hd_time") void hd_time(double ms) { drained().set_time(from_ms(ms)); }
HEDDLE_EXPORT("hd_now") double hd_now() { return static_cast<double>(drained().now()) / 1000.0; }

HEDDLE_EXPORT("hd_option") void hd_option(u32 which, double value) {
  drained().apply({EventType::kOption, which, 0, 0, value, 0});
}
HEDDLE_EXPORT("hd_submit") u32 hd_submit(u32 parent, u32 bits, u32 shield) {
  return static_cast<u32>(drained().apply({EventType::kSubmit, parent, bits, shield, 0, 0}));
}
HEDDLE_EXPORT("hd_state") u32 hd_state(u32 fiber) { return static_cast<u32>(drained().state(fiber)); }

HEDDLE_EXPORT("hd_is_interrupted") u32 hd_is_interrupted(u32 fiber, u32 shield) {
  return drained().is_interrupted(fiber, shield) ? 1 : 0;
}

HEDDLE_EXPORT("hd_yield") i32 hd_yield(u32 fiber, u32 shield) { return drained().yield(fiber, shield); }
HEDDLE_EXPORT("hd_delay") i32 hd_delay(u32 fiber, double ms, u32 shield) {
  return drained().delay(fiber, from_ms(ms), shield);
}
HEDDLE_EXPORT("hd_wait") i32 hd_wait(u32 fiber, u32 mode, u32 cancel_losers, double timeout, u32 shield) {
  const auto& targets = instance().targets;
  return drained().wait(fiber, static_cast<WaitMode>(mode), targets.data(), static_cast<u32>(targets.size()),
                        cancel_losers != 0, from_ms(timeout), shield);
}
// What belongs to the next hd_call: settings, and the entries of its plan.
HEDDLE_EXPORT("hd_call_option") void hd_call_option(u32 which, double value) {
  drained().apply({EventType::kCallOption, which, 0, 0, value, 0});
}
HEDDLE_EXPORT("hd_route") void hd_route(u32 first, u32 second, u32 third, double tokens) {
  drained().apply({EventType::kRoute, first, second, third, tokens, 0});
}
HEDDLE_EXPORT("hd_call") i32 hd_call(u32 fiber, u32 type, u32 stream, double timeout, u32 shield) {
  return drained().apply({EventType::kCall, fiber, shield, type | (stream != 0 ? 1U << 8 : 0), timeout, 0});
}
HEDDLE_EXPORT("hd_reopen") i32 hd_reopen(u32 fiber, u32 call, double retry_after, u32 shield, u32 flags) {
  return drained().apply({EventType::kReopen, fiber, shield, call | flags << 24, retry_after, 0});
}
HEDDLE_EXPORT("hd_gate") u32 hd_gate(u32 gate, u32 key, double value) {
  return drained().set_gate(gate, static_cast<GateKey>(key), value) ? 1 : 0;
}
HEDDLE_EXPORT("hd_gate_is_idle") u32 hd_gate_is_idle(u32 gate) { return drained().is_idle(gate) ? 1 : 0; }
HEDDLE_EXPORT("hd_server_rate") void hd_server_rate(u32 gate, u32 tokens, double remaining, double reset) {
  drained().apply({EventType::kServerRate, gate, tokens, 0, remaining, reset});
}
HEDDLE_EXPORT("hd_read") i32 hd_read(u32 fiber, u32 call, double timeout, u32 shield) {
  return drained().read(fiber, call, from_ms(timeout), shield);
}
HEDDLE_EXPORT("hd_abort_op") u32 hd_abort_op(u32 op) { return drained().abort_op(op) ? 1 : 0; }
HEDDLE_EXPORT("hd_shield") u32 hd_shield(u32 fiber, double ms) { return drained().shield(fiber, from_ms(ms)); }
HEDDLE_EXPORT("hd_unshield") void hd_unshield(u32 shield) { drained().unshield(shield); }
HEDDLE_EXPORT("hd_outside") u32 hd_outside() { return drained().outside(); }
HEDDLE_EXPORT("hd_outside_done") void hd_outside_done(u32 fiber) { drained().outside_done(fiber); }
HEDDLE_EXPORT("hd_cancel") u32 hd_cancel(u32 fiber, u32 reason) { return drained().cancel(fiber, reason) ? 1 : 0; }
HEDDLE_EXPORT("hd_cancel_all") void hd_cancel_all(u32 reason, u32 cause) {
  drained().cancel_all(reason, static_cast<Cause>(cause));
}
HEDDLE_EXPORT("hd_configure") void hd_configure(u32 key, double value) {
  drained().configure(static_cast<ConfigKey>(key), value);
}
HEDDLE_EXPORT("hd_random") double hd_random() { return drained().random(); }
HEDDLE_EXPORT("hd_advance") void hd_advance(double ms) { drained().advance(from_ms(ms)); }
}
