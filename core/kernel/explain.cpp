// What a person asks: how many of what, and why does this one not run? Reads the state, changes nothing; not hot.
#include "kernel/scheduler.h"

namespace heddle {

Stats Scheduler::stats() const {
  Stats stats;
  stats.pending = state_counts_[static_cast<u32>(FiberState::kPending)];
  stats.running = state_counts_[static_cast<u32>(FiberState::kRunning)];
  stats.suspended = state_counts_[static_cast<u32>(FiberState::kSuspended)];
  stats.completed = completed_;
  stats.cancelled = cancelled_;
  stats.errored = errored_;
  stats.zombies = zombies_;
  stats.unwinding = unwinding_;
  stats.slots = slots_;
  stats.calls_in_flight = in_flight_;
  stats.calls_waiting = call_queue_.size();
  stats.oldest_call = call_queue_.empty() ? 0 : now_ - call_queue_.oldest();
  for (GateId id = 1; id < gates_.size(); ++id) {
    const AdmissionQueue& queue = gates_[id]->queue;
    stats.calls_waiting += queue.size();
    if (!queue.empty() && now_ - queue.oldest() > stats.oldest_call) stats.oldest_call = now_ - queue.oldest();
  }
  stats.calls_in_backoff = backoffs_;
  stats.calls = calls_started_;
  stats.retries = retries_spent_;
  stats.hedges = hedges_;
  stats.fallbacks = fallbacks_;
  stats.reservations = reservations_;
  stats.reservations_settled = reservations_settled_;
  stats.oldest_pending = pending_.empty() ? 0 : now_ - pending_.oldest();
  stats.timers = timers_.size();
  stats.steps = steps_;
  stats.machine_steps = machine_steps_;
  stats.light_fibers = light_fibers_;
  stats.command_hash = command_hash_;
  // Records that are over wait for the next step before their ids can be used again; they do not count.
  stats.fibers = fibers_.live() - static_cast<u32>(retired_fibers_.size());
  stats.operations = ops_.live() - static_cast<u32>(retired_ops_.size());
  stats.wait_links = links_.live();
  stats.connections = calls_.live() - static_cast<u32>(retired_calls_.size());
  stats.shields = shields_.live() - static_cast<u32>(retired_shields_.size());
  stats.limits = limits_.live();
  return stats;
}

std::vector<GateStats> Scheduler::gate_stats() const {
  std::vector<GateStats> all;
  for (GateId id = 1; id < gates_.size(); ++id) {
    const Gate& gate = *gates_[id];
    GateStats& stats = all.emplace_back();
    stats.inside = gate.inside;
    stats.limit = gate.limit();
    stats.waiting = gate.queue.size();
    stats.requests = gate.rate.requests_at(now_);
    stats.requests_limit = gate.rate.requests_limit();
    stats.tokens = gate.rate.tokens_at(now_);
    stats.tokens_limit = gate.rate.tokens_limit();
    stats.circuit = static_cast<u8>(gate.breaker.state(now_));
    stats.circuit_until = gate.breaker.until();
    stats.cooling_until = gate.cooling_until;
  }
  return all;
}

std::vector<WaitFact> Scheduler::explain(FiberId id) const {
  const Fiber& fiber = fibers_[id];
  std::vector<WaitFact> facts;
  const auto fact = [&facts](WaitReason reason, Time since) -> WaitFact& {
    facts.emplace_back();
    facts.back().reason = reason;
    facts.back().since = since;
    return facts.back();
  };
  const auto name_if = [this](WaitFact& to, auto&& wanted) {
    for (FiberId other = 1; other < fibers_.limit() && to.fibers.size() < kMaxNamed; ++other) {
      if (fibers_[other].state != FiberState::kFree && wanted(fibers_[other])) to.fibers.push_back(other);
    }
  };

  if (fiber.is_ended) {
    fact(WaitReason::kSettled, fiber.since);
    return facts;
  }
  if (fiber.state == FiberState::kPending || fiber.waits_for_slot) {
    if (slots_ < config_.max_tasks && zombies_ >= config_.max_zombies) {
      WaitFact& zombies = fact(WaitReason::kZombies, fiber.since);
      zombies.limit = config_.max_zombies;
      name_if(zombies, [](const Fiber& other) { return other.is_zombie; });
    } else if (slots_ < config_.max_tasks) {
      fact(WaitReason::kTurn, fiber.since);
    } else {
      WaitFact& slot = fact(WaitReason::kSlot, fiber.since);
      slot.limit = config_.max_tasks;
      slot.ahead = fiber.queue_node != 0 ? pending_.ahead(fiber.queue_node) : 0;
      name_if(slot, [](const Fiber& other) { return other.holds_slot; });
    }
    return facts;
  }
  if (fiber.settled) fact(WaitReason::kUnwinding, fiber.since);
  if (fiber.body_ended) {
    WaitFact& children = fact(WaitReason::kChildren, fiber.since);
    for (FiberId child = fiber.first_child; child != 0 && children.fibers.size() < kMaxNamed;
         child = fibers_[child].next_sibling) {
      children.fibers.push_back(child);
    }
    return facts;
  }
  if (fiber.is_ready || id == paused_) fact(WaitReason::kTurn, fiber.since);
  for (OpId op_id = fiber.first_op; op_id != 0; op_id = ops_[op_id].next) {
    const Operation& op = ops_[op_id];
    switch (op.kind) {
      case OpKind::kDelay:
        fact(WaitReason::kDelay, op.since).until = op.timer != 0 ? timers_.at(op.timer) : now_;
        break;
      case OpKind::kWait: {
        WaitFact& wait = fact(WaitReason::kFibers, op.since);
        for (u32 link = op.link; link != 0 && wait.fibers.size() < kMaxNamed; link = links_[link].next_of_op) {
          if (links_[link].target != 0) wait.fibers.push_back(links_[link].target);
        }
        break;
      }
      case OpKind::kSync: peers_->explain(op_id, fact(WaitReason::kObjects, op.since)); break;
      case OpKind::kRead: fact(WaitReason::kChunk, op.since); break;
      case OpKind::kCall: explain_call(calls_[op.link], fact); break;
      case OpKind::kHost:
        if (op.next == 0 && op_id == fiber.first_op) fact(WaitReason::kHost, op.since);
        break;
      case OpKind::kYield:
      case OpKind::kFree: break;
    }
    if (op.timeout != 0 && !facts.empty() && facts.back().until == kNever) facts.back().until = timers_.at(op.timeout);
  }
  if (facts.empty()) fact(WaitReason::kHost, fiber.since);
  return facts;
}

template <typename MakeFact>
void Scheduler::explain_call(const Call& call, MakeFact&& fact) const {
  switch (call.state) {
    case CallState::kQueued: {
      const bool at_gate = call.stage < Route::kStages;
      const GateId gate_id = at_gate ? call.route.gates[call.stage] : 0;
      const Gate* gate = gate_id != 0 ? gates_[gate_id].get() : nullptr;
      const bool by_rate = gate != nullptr && gate->inside < gate->limit();
      const WaitReason reason = by_rate           ? WaitReason::kRate
                                : gate != nullptr ? WaitReason::kGatePlace
                                                  : WaitReason::kCallPlace;
      WaitFact& place = fact(reason, call.since);
      place.limit = gate == nullptr ? config_.max_calls : by_rate ? 1 : gate->limit();
      place.gate = gate_id;
      place.ahead = call.queue_node != 0 ? queue_of(call).ahead(call.queue_node) : 0;
      if (by_rate) {
        place.until = gate->rate.fits_at(now_, call.route.tokens);
        break;
      }
      for (CallId other = 1; other < calls_.limit() && place.fibers.size() < kMaxNamed; ++other) {
        const Call& flying = calls_[other];
        const bool flies = flying.state == CallState::kInFlight || flying.state == CallState::kOpen ||
                           (flying.state == CallState::kClosing && !flying.abandoned);
        bool holds = gate == nullptr && flies && flying.type == CallClass::kLlm;
        // A call that waits further on is inside, too.
        for (u32 stage = 0; gate != nullptr && stage < Route::kStages && stage < flying.stage; ++stage) {
          holds = holds || flying.route.gates[stage] == gate_id;
        }
        if (holds && flying.state != CallState::kFree) place.fibers.push_back(flying.fiber);
      }
      break;
    }
    case CallState::kBackoff: fact(WaitReason::kBackoff, call.since).until = timers_.at(call.timer); break;
    default: fact(WaitReason::kCall, call.since);
  }
}

}  // namespace heddle
