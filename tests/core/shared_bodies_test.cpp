// Fibers that share one body, as an interpreter's do: slices, light fibers, children that are left, operations that the
// host carries out.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "heddle/kernel.h"

namespace heddle::testing {
namespace {

// An interpreter whose programs are functions: one call is one slice.
class Programs : public SharedBody {
 public:
  struct Slice {
    FiberId id;
    OpCode code;
    u32 aux;
    u32& steps;
  };
  using Program = std::function<TurnEnd(Slice)>;

  explicit Programs(const KernelConfig& config) : kernel(config) { kernel.set_shared_body(this); }

  FiberId submit(FiberKind kind, FiberId parent, Program program, bool leaves = true) {
    SubmitRequest request;
    request.kind = kind;
    request.body = BodyKind::kShared;
    request.parent = parent;
    request.leaves_children = leaves;
    return submit(request, std::move(program));
  }
  FiberId submit(const SubmitRequest& request, Program program) {
    const FiberId id = kernel.submit(request);
    if (id != 0) programs[id] = std::move(program);
    return id;
  }

  TurnEnd run(FiberId id, OpCode code, u32 aux, u32& steps) override {
    const Program program = programs.at(id);
    return program({id, code, aux, steps});
  }
  void body_over(FiberId id) override { programs.erase(id); }
  void ended(FiberId id, Outcome outcome) override { outcomes[id] = outcome; }
  void dropped(u32 /*token*/) override {}
  const void* resumes_at(FiberId /*id*/) const override { return nullptr; }

  // Steps until nothing runs, and no time could pass; reads what the host was told.
  void settle() {
    bool more = true;
    while (more) {
      const bool could_go_on = kernel.step(256);
      drain();
      ASSERT_EQ(kernel.broken_invariant(), "");
      more = could_go_on || time_could_pass;
    }
  }
  void drain() {
    while (!kernel.effects().empty()) {
      told.push_back(kernel.effects().pop());
      if (told.back().type == CommandType::kAlarm) time_could_pass = told.back().x() == 0;
    }
    while (!kernel.runs().empty()) told.push_back(kernel.runs().pop());
  }
  std::vector<Command> of_type(CommandType type) const {
    std::vector<Command> found;
    for (const Command& command : told) {
      if (command.type == type) found.push_back(command);
    }
    return found;
  }

  Kernel kernel;
  std::map<FiberId, Program> programs;
  std::map<FiberId, Outcome> outcomes;
  std::vector<Command> told;
  bool time_could_pass = false;
};

KernelConfig virtual_time() {
  KernelConfig config;
  config.virtual_time = true;
  return config;
}

TurnEnd completes(Programs::Slice slice) {
  slice.steps = 10;
  return TurnEnd::kCompleted;
}
TurnEnd fails(Programs::Slice /*slice*/) { return TurnEnd::kFailed; }
// Takes all the steps that it gets, for ever.
TurnEnd spins(Programs::Slice /*slice*/) { return TurnEnd::kSteps; }

// Begins an operation and ends by the code that it gives.
Programs::Program waits(std::function<i32(FiberId)> begin) {
  auto begun = std::make_shared<bool>(false);
  return [begin = std::move(begin), begun](Programs::Slice slice) {
    slice.steps = 5;
    if (*begun) return slice.code == OpCode::kOk ? TurnEnd::kCompleted : TurnEnd::kFailed;
    *begun = true;
    return begin(slice.id) > 0 ? TurnEnd::kWaits : TurnEnd::kFailed;
  };
}

TEST(SharedBodies, a_light_fiber_needs_no_slot_and_the_host_never_hears_of_it) {
  KernelConfig config = virtual_time();
  config.max_tasks = 1;
  Programs host(config);
  FiberId child = 0;
  const FiberId task =
      host.submit(FiberKind::kTask, 0, waits([&](FiberId id) {
                    child = host.submit(FiberKind::kFiber, id,
                                        waits([&](FiberId own) { return host.kernel.delay(own, 5 * kMillisecond); }));
                    EXPECT_EQ(host.kernel.stats().light_fibers, 1u);
                    return host.kernel.delay(id, 50 * kMillisecond);
                  }));
  host.settle();
  EXPECT_EQ(host.outcomes.at(child), Outcome::kCompleted);
  EXPECT_EQ(host.outcomes.at(task), Outcome::kCompleted);
  for (const Command& command : host.told) {
    EXPECT_TRUE(command.type == CommandType::kAlarm || command.a == task);
  }
  EXPECT_EQ(host.kernel.stats().completed, 1u);
  EXPECT_EQ(host.kernel.stats().light_fibers, 0u);
  EXPECT_EQ(host.kernel.stats().fibers, 0u);
}

TEST(SharedBodies, what_a_completed_body_left_goes_on_without_it) {
  Programs host(virtual_time());
  FiberId left = 0;
  const FiberId top =
      host.submit(FiberKind::kTask, 0, waits([&](FiberId id) {
                    host.submit(FiberKind::kFiber, id, [&](Programs::Slice slice) {
                      left = host.submit(FiberKind::kFiber, slice.id,
                                         waits([&](FiberId own) { return host.kernel.delay(own, 20 * kMillisecond); }));
                      return TurnEnd::kCompleted;
                    });
                    return host.kernel.delay(id, 5 * kMillisecond);
                  }));
  host.settle();
  EXPECT_EQ(host.outcomes.at(top), Outcome::kCompleted);
  EXPECT_EQ(host.outcomes.at(left), Outcome::kCompleted);
  EXPECT_EQ(host.kernel.now(), 20 * kMillisecond);
  const auto settled = host.of_type(CommandType::kSettle);
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].detail[2], 1) << "ended at once: nobody waits for what it left";
}

TEST(SharedBodies, what_was_left_belongs_to_the_next_above) {
  Programs host({});
  FiberId left = 0;
  const FiberId top =
      host.submit(FiberKind::kTask, 0, waits([&](FiberId id) {
                    host.submit(FiberKind::kFiber, id, [&](Programs::Slice slice) {
                      left = host.submit(FiberKind::kFiber, slice.id,
                                         waits([&](FiberId own) { return host.kernel.delay(own, 20 * kMillisecond); }));
                      return TurnEnd::kCompleted;
                    });
                    return host.kernel.host_op(id, 64);
                  }));
  host.settle();
  ASSERT_TRUE(host.kernel.cancel(top));
  host.settle();
  EXPECT_EQ(host.outcomes.at(left), Outcome::kCancelled);
}

TEST(SharedBodies, a_failed_body_cancels_what_it_left) {
  Programs host(virtual_time());
  FiberId left = 0;
  host.submit(FiberKind::kTask, 0, [&](Programs::Slice slice) {
    left = host.submit(FiberKind::kFiber, slice.id,
                       waits([&](FiberId own) { return host.kernel.delay(own, 20 * kMillisecond); }));
    return TurnEnd::kFailed;
  });
  host.settle();
  EXPECT_EQ(host.outcomes.at(left), Outcome::kCancelled);
  EXPECT_EQ(host.kernel.now(), 0);
}

TEST(SharedBodies, a_computation_of_any_length_ends_no_step_late_and_lets_nobody_in_between) {
  Programs host(virtual_time());
  std::string order;
  u32 slices = 0;
  host.submit(FiberKind::kFiber, 0, [&](Programs::Slice /*slice*/) {
    order += 'a';
    return ++slices < 4 ? TurnEnd::kSteps : TurnEnd::kCompleted;
  });
  host.submit(FiberKind::kFiber, 0, [&](Programs::Slice slice) {
    order += 'b';
    slice.steps = 1;
    return TurnEnd::kCompleted;
  });
  EXPECT_TRUE(host.kernel.step(256));
  EXPECT_EQ(order, "a");
  EXPECT_EQ(host.kernel.machine_steps(), kSliceSteps);
  host.settle();
  EXPECT_EQ(order, "aaaab");
  EXPECT_EQ(host.kernel.stats().steps, 2u) << "slices are no turns";
}

TEST(SharedBodies, many_short_turns_end_the_step_too) {
  Programs host(virtual_time());
  u32 turns = 0;
  host.submit(FiberKind::kFiber, 0, [&](Programs::Slice slice) {
    slice.steps = 0;
    if (++turns == 100'000) return TurnEnd::kCompleted;
    host.kernel.yield(slice.id);
    return TurnEnd::kWaits;
  });
  EXPECT_TRUE(host.kernel.step(UINT32_MAX));
  EXPECT_LT(turns, 10'000u);
  host.settle();
  EXPECT_EQ(turns, 100'000u);
}

TEST(SharedBodies, fair_round_robin_preempts_at_the_quantum) {
  KernelConfig config = virtual_time();
  config.dispatch = DispatchPolicy::kFairRoundRobin;
  config.quantum = 100;
  Programs host(config);
  std::string order;
  for (const char name : {'a', 'b'}) {
    host.submit(FiberKind::kFiber, 0, [&order, name](Programs::Slice slice) {
      EXPECT_LE(slice.steps, 100u);
      order += name;
      return order.size() >= 6 ? TurnEnd::kCompleted : TurnEnd::kSteps;
    });
  }
  host.settle();
  EXPECT_EQ(order, "abababa");
}

TEST(SharedBodies, a_computation_is_told_of_its_cancellation_and_cut_off_when_it_does_not_listen) {
  Programs host(virtual_time());
  OpCode last = OpCode::kOk;
  const FiberId deaf = host.submit(FiberKind::kTask, 0, [&](Programs::Slice slice) {
    last = slice.code;
    return TurnEnd::kSteps;
  });
  EXPECT_TRUE(host.kernel.step(256));
  EXPECT_TRUE(host.kernel.step(256));
  EXPECT_EQ(last, OpCode::kOk);
  EXPECT_TRUE(host.kernel.cancel(deaf));
  EXPECT_TRUE(host.kernel.step(256));
  EXPECT_EQ(last, OpCode::kCancelled);
  host.settle();
  EXPECT_EQ(host.outcomes.at(deaf), Outcome::kCancelled);
  EXPECT_LE(host.kernel.machine_steps(), kUnwindingSteps + 4 * kSliceSteps);
  EXPECT_EQ(host.kernel.stats().zombies, 0u);
}

TEST(SharedBodies, the_end_of_its_grace_cuts_a_body_off_that_computes) {
  KernelConfig config;
  config.grace = 10 * kMillisecond;
  Programs host(config);
  const FiberId deaf = host.submit(FiberKind::kTask, 0, spins);
  EXPECT_TRUE(host.kernel.step(256));
  EXPECT_TRUE(host.kernel.cancel(deaf));
  EXPECT_TRUE(host.kernel.step(256));
  host.kernel.set_time(11 * kMillisecond);
  EXPECT_FALSE(host.kernel.step(256));
  host.drain();
  EXPECT_EQ(host.outcomes.at(deaf), Outcome::kCancelled);
  EXPECT_EQ(host.kernel.broken_invariant(), "");
  EXPECT_EQ(host.of_type(CommandType::kZombie).size(), 0u);
}

TEST(SharedBodies, a_task_that_a_program_makes_is_announced_before_anything_else_about_it) {
  Programs host(virtual_time());
  FiberId child = 0;
  const FiberId task = host.submit(FiberKind::kTask, 0, [&](Programs::Slice slice) {
    child = host.submit(FiberKind::kTask, slice.id, completes);
    host.kernel.cancel(child);
    return TurnEnd::kCompleted;
  });
  host.settle();
  std::erase_if(host.told, [&](const Command& command) { return command.a != child; });
  ASSERT_GE(host.told.size(), 2u);
  EXPECT_EQ(host.told[0].type, CommandType::kSpawned);
  EXPECT_EQ(host.told[0].b, task);
  EXPECT_EQ(host.told[0].c, 2u);
  EXPECT_EQ(host.told[1].type, CommandType::kSettle);
}

TEST(SharedBodies, the_host_carries_out_an_operation_by_operations_of_its_own) {
  Programs host(virtual_time());
  const FiberId task = host.submit(FiberKind::kTask, 0, waits([&](FiberId id) { return host.kernel.host_op(id, 64); }));
  host.settle();
  const auto wanted = host.of_type(CommandType::kHostOp);
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].b, task);
  EXPECT_EQ(wanted[0].c, 64u);
  const OpId op = wanted[0].a;
  EXPECT_TRUE(host.kernel.is_host_op(op));
  const i32 delay = host.kernel.delay(task, 7 * kMillisecond);
  ASSERT_GT(delay, 0);
  host.settle();
  EXPECT_EQ(host.kernel.now(), 7 * kMillisecond);
  const auto resumed = host.of_type(CommandType::kResume);
  ASSERT_EQ(resumed.size(), 1u);
  EXPECT_EQ(resumed[0].a, static_cast<u32>(delay));
  EXPECT_EQ(host.outcomes.count(task), 0u) << "the body goes on with the host's answer only";
  host.kernel.host_done(op, true);
  host.settle();
  EXPECT_EQ(host.outcomes.at(task), Outcome::kCompleted);
  EXPECT_EQ(host.of_type(CommandType::kHostOver).size(), 0u);
}

TEST(SharedBodies, time_stands_still_while_the_host_is_at_something_foreign) {
  Programs host(virtual_time());
  host.submit(FiberKind::kFiber, 0, waits([&](FiberId id) { return host.kernel.host_op(id, 64); }));
  host.submit(FiberKind::kFiber, 0, waits([&](FiberId id) { return host.kernel.delay(id, kMillisecond); }));
  EXPECT_FALSE(host.kernel.step(256));
  host.drain();
  EXPECT_FALSE(host.kernel.step(256));
  EXPECT_EQ(host.kernel.foreign(), 1u);
  EXPECT_EQ(host.kernel.now(), 0);
}

TEST(SharedBodies, cancelling_ends_the_operation_and_those_that_the_host_began_for_it) {
  Programs host({});
  const FiberId task = host.submit(FiberKind::kTask, 0, waits([&](FiberId id) { return host.kernel.host_op(id, 64); }));
  host.settle();
  const OpId op = host.of_type(CommandType::kHostOp).at(0).a;
  const i32 delay = host.kernel.delay(task, 7 * kMillisecond);
  host.settle();
  host.told.clear();
  ASSERT_TRUE(host.kernel.cancel(task, 3));
  ASSERT_EQ(host.kernel.broken_invariant(), "");
  EXPECT_FALSE(host.kernel.is_host_op(op));
  host.kernel.host_done(op, true);
  host.settle();
  const auto over = host.of_type(CommandType::kHostOver);
  ASSERT_EQ(over.size(), 1u);
  EXPECT_EQ(over[0].a, op);
  const auto resumed = host.of_type(CommandType::kResume);
  ASSERT_EQ(resumed.size(), 1u);
  EXPECT_EQ(resumed[0].a, static_cast<u32>(delay));
  EXPECT_EQ(resumed[0].b, static_cast<u32>(OpCode::kCancelled));
  EXPECT_EQ(host.outcomes.at(task), Outcome::kCancelled);
  EXPECT_EQ(host.kernel.stats().operations, 0u);
}

TEST(SharedBodies, a_fiber_whose_host_operation_waits_for_tasks_gives_its_slot_back) {
  KernelConfig config = virtual_time();
  config.max_tasks = 1;
  Programs host(config);
  const FiberId task = host.submit(FiberKind::kTask, 0, waits([&](FiberId id) { return host.kernel.host_op(id, 64); }));
  host.settle();
  const OpId op = host.of_type(CommandType::kHostOp).at(0).a;
  const FiberId other = host.submit(FiberKind::kTask, 0, completes);
  host.settle();
  EXPECT_EQ(host.kernel.state(other), FiberState::kPending);
  ASSERT_GT(host.kernel.wait(task, WaitMode::kAll, &other, 1), 0);
  host.settle();
  EXPECT_EQ(host.outcomes.at(other), Outcome::kCompleted);
  host.kernel.host_done(op, true);
  host.settle();
  EXPECT_EQ(host.outcomes.at(task), Outcome::kCompleted);
}

TEST(SharedBodies, recorded_events_and_the_same_programs_give_the_same_commands) {
  const auto first_program = [](Programs& host) {
    return [&host, slices = std::make_shared<u32>(0)](Programs::Slice slice) {
      switch (++*slices) {
        case 1:
          host.submit(FiberKind::kFiber, slice.id, completes);
          host.submit(FiberKind::kTask, slice.id, fails);
          return TurnEnd::kSteps;
        case 2: host.kernel.delay(slice.id, host.kernel.random() < 0.5 ? 1000 : 2000); return TurnEnd::kWaits;
        case 3: host.kernel.host_op(slice.id, 65); return TurnEnd::kWaits;
        default: return TurnEnd::kCompleted;
      }
    };
  };
  Programs host(virtual_time());
  std::vector<Event> events;
  host.kernel.record_to(&events);
  host.submit(FiberKind::kTask, 0, first_program(host));
  host.settle();
  const OpId op = host.of_type(CommandType::kHostOp).at(0).a;
  host.kernel.host_done(op, true);
  host.settle();
  EXPECT_EQ(host.kernel.stats().fibers, 0u);
  for (const Event& event : events) {
    EXPECT_NE(event.type, EventType::kDelay) << "what a shared body does is no event";
  }

  Programs again(virtual_time());
  for (const Event& event : events) {
    const i32 answer = again.kernel.apply(event);
    if (event.type == EventType::kSubmit) again.programs[static_cast<u32>(answer)] = first_program(again);
    again.drain();
  }
  EXPECT_EQ(again.kernel.stats().command_hash, host.kernel.stats().command_hash);
  EXPECT_EQ(again.kernel.machine_steps(), host.kernel.machine_steps());
}

}  // namespace
}  // namespace heddle::testing
