// Host calls: places in flight, retry, streams, closing. Long because a call has six states and each meets each way to
// end.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Calls : public BothBodies {
 protected:
  static KernelConfig config() {
    KernelConfig config;
    config.max_calls = 2;
    return config;
  }
  struct Result {
    Called called{};
    bool is_over = false;
    Time at = 0;
  };
  FiberId ask(FakeHost& host, Result& result, CallClass type = CallClass::kLlm, Time timeout = 0) {
    return submit(host, [&result, type, timeout](Self self) -> Job {
      result.called = co_await self.call(type, timeout);
      result.is_over = true;
      result.at = self.now();
      co_return result.called.code == OpCode::kOk;
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Bodies, Calls, kBothBodies, body_name);

TEST_P(Calls, no_more_are_in_flight_than_allowed) {
  FakeHost host(config());
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  std::vector<Result> results(10);
  for (Result& result : results) ask(host, result);
  host.run();
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 2u);
  EXPECT_EQ(host.kernel.stats().calls_waiting, 8u);
  host.pass(4 * kMillisecond);
  EXPECT_FALSE(results[9].is_over);
  host.pass(kMillisecond);
  EXPECT_TRUE(results[9].is_over);
  EXPECT_EQ(host.most_open, 2u);
  EXPECT_EQ(host.kernel.stats().calls, 10u);
  expect_clean(host);
}

TEST_P(Calls, other_calls_have_no_limit_and_no_retry) {
  FakeHost host(config());
  host.on_call = [](const Attempt& attempt) {
    Reply reply = Reply::busy();
    reply.latency = kMillisecond;
    reply.ok = attempt.call % 2 == 0;
    return reply;
  };
  std::vector<Result> results(6);
  for (Result& result : results) ask(host, result, CallClass::kOther);
  host.run();
  EXPECT_EQ(host.open_calls(), 6u);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 0u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.attempts, 6u);
  EXPECT_EQ(std::count_if(results.begin(), results.end(), [](const Result& r) { return r.called.code == OpCode::kOk; }),
            3);
  expect_clean(host);
}

TEST_P(Calls, retry_waits_are_full_jitter) {
  // Attempt n waits uniformly in [0, min(max, base * 2^(n-1))].
  KernelConfig config;
  config.max_tasks = 100'000;
  config.max_calls = 100'000;
  config.retry.max_attempts = 6;
  config.retry.base_delay = 100 * kMillisecond;
  config.retry.max_delay = 700 * kMillisecond;
  FakeHost host(config);
  host.checks = false;
  std::map<CallId, Time> failed_at;
  std::vector<std::vector<double>> waits(6);
  const Time ceilings[] = {
      0, 100 * kMillisecond, 200 * kMillisecond, 400 * kMillisecond, 700 * kMillisecond, 700 * kMillisecond};
  host.on_call = [&](const Attempt& attempt) {
    if (attempt.number > 1) {
      waits[attempt.number - 1].push_back(static_cast<double>(host.now() - failed_at[attempt.call]) /
                                          static_cast<double>(ceilings[attempt.number - 1]));
    }
    failed_at[attempt.call] = host.now();
    return Reply::busy();
  };
  std::vector<Result> results(500);
  for (Result& result : results) ask(host, result);
  host.pass(10'000 * kMillisecond);
  for (u32 n = 1; n < 6; ++n) {
    ASSERT_EQ(waits[n].size(), 500u);
    double sum = 0;
    for (const double wait : waits[n]) {
      ASSERT_GE(wait, 0.0);
      ASSERT_LE(wait, 1.0);
      sum += wait;
    }
    EXPECT_NEAR(sum / 500, 0.5, 0.05);
    EXPECT_LT(*std::min_element(waits[n].begin(), waits[n].end()), 0.03);
    EXPECT_GT(*std::max_element(waits[n].begin(), waits[n].end()), 0.97);
  }
  for (const Result& result : results) {
    EXPECT_EQ(result.called.code, OpCode::kFailed);
    EXPECT_EQ(result.called.attempts, 6u);
  }
  EXPECT_EQ(host.kernel.stats().retries, 2500u);
  expect_clean(host);
}

TEST_P(Calls, max_attempts_counts_the_first) {
  for (const u32 attempts : {0U, 1U, 3U}) {
    KernelConfig config;
    config.retry.max_attempts = attempts;
    FakeHost host(config);
    host.on_call = [](const Attempt&) { return Reply::busy(); };
    Result result;
    ask(host, result);
    host.pass(100'000 * kMillisecond);
    EXPECT_EQ(result.called.code, OpCode::kFailed);
    EXPECT_EQ(host.attempts, std::max(attempts, 1U));
  }
}

TEST_P(Calls, what_is_not_retryable_fails_at_once) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::failed(); };
  Result result;
  ask(host, result);
  host.run();
  EXPECT_EQ(result.called.code, OpCode::kFailed);
  EXPECT_EQ(host.attempts, 1u);
  expect_clean(host);
}

TEST_P(Calls, retry_after_is_honoured_to_the_microsecond) {
  FakeHost host;
  std::vector<Time> at;
  host.on_call = [&](const Attempt& attempt) {
    at.push_back(host.now());
    return attempt.number < 3 ? Reply::busy(1500 * kMillisecond) : Reply::fine();
  };
  Result result;
  ask(host, result);
  host.pass(10'000 * kMillisecond);
  EXPECT_EQ(at, (std::vector<Time>{0, 1500 * kMillisecond, 3000 * kMillisecond}));
  EXPECT_EQ(result.called.attempts, 3u);
}

TEST_P(Calls, a_retry_after_beyond_the_limit_is_an_answer) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::busy(60'001 * kMillisecond); };
  Result result;
  ask(host, result);
  host.run();
  EXPECT_EQ(result.called.code, OpCode::kRetryAfterTooLong);
  EXPECT_EQ(result.called.attempts, 1u);
  expect_clean(host);
}

TEST_P(Calls, the_retry_budget_is_the_runtimes) {
  KernelConfig config;
  config.retry.budget = 3;
  config.retry.max_attempts = 3;
  FakeHost host(config);
  host.on_call = [](const Attempt&) { return Reply::busy(); };
  std::vector<Result> results(4);
  for (Result& result : results) ask(host, result);
  host.pass(100'000 * kMillisecond);
  EXPECT_EQ(host.attempts, 7u);
  EXPECT_EQ(host.kernel.stats().retries, 3u);
  for (const Result& result : results) EXPECT_EQ(result.called.code, OpCode::kFailed);
  expect_clean(host);
}

TEST_P(Calls, a_backoff_gives_its_place_back_and_comes_back_first) {
  KernelConfig config;
  config.max_calls = 1;
  FakeHost host(config);
  std::vector<CallId> order;
  host.on_call = [&](const Attempt& attempt) {
    order.push_back(attempt.call);
    if (order.size() == 1) return Reply::busy(5 * kMillisecond);
    return Reply::fine(4 * kMillisecond);
  };
  std::vector<Result> results(5);
  for (Result& result : results) ask(host, result);
  host.run();
  EXPECT_EQ(host.kernel.stats().calls_in_backoff, 1u);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 1u);
  host.pass(100 * kMillisecond);
  // At 5 ms the second one is in flight; when it is done at 8, the first goes before the fourth.
  EXPECT_EQ(order, (std::vector<CallId>{order[0], order[1], order[2], order[0], order[4], order[5]}));
  EXPECT_EQ(host.most_open, 1u);
  expect_clean(host);
}

TEST_P(Calls, a_cancel_ends_a_backoff_and_a_wait_for_a_place_at_once) {
  KernelConfig config;
  config.max_calls = 1;
  FakeHost host(config);
  bool first = true;
  host.on_call = [&](const Attempt&) {
    if (!std::exchange(first, false)) return Reply::silent();
    return Reply::busy(1000 * kMillisecond);
  };
  Result in_backoff, in_flight, queued;
  const FiberId a = ask(host, in_backoff);
  host.run();
  const FiberId b = ask(host, in_flight);
  host.run();
  const FiberId c = ask(host, queued);
  host.run();
  host.kernel.cancel(a);
  host.kernel.cancel(c);
  host.run();
  EXPECT_EQ(in_backoff.called.code, OpCode::kCancelled);
  EXPECT_EQ(queued.called.code, OpCode::kCancelled);
  EXPECT_EQ(host.aborts, 0u);
  EXPECT_FALSE(in_flight.is_over);
  host.kernel.cancel(b);
  host.run();
  EXPECT_EQ(host.aborts, 1u);
  expect_clean(host);
}

TEST_P(Calls, an_aborted_call_holds_its_place_until_its_connection_is_closed) {
  KernelConfig config;
  config.max_calls = 1;
  FakeHost host(config);
  host.close_latency = 5 * kMillisecond;
  host.on_call = [](const Attempt&) { return Reply::fine(3 * kMillisecond); };
  Result first, second;
  const FiberId id = ask(host, first);
  ask(host, second);
  host.pass(kMillisecond);
  host.kernel.cancel(id);
  host.pass(4 * kMillisecond);
  EXPECT_TRUE(first.is_over);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 1u);
  EXPECT_EQ(host.attempts, 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.attempts, 2u);
  host.pass(3 * kMillisecond);
  EXPECT_EQ(second.called.code, OpCode::kOk);
  EXPECT_EQ(host.most_open, 1u);
  expect_clean(host);
}

TEST_P(Calls, one_whose_connection_never_closes_stops_counting_after_the_grace) {
  KernelConfig config;
  config.max_calls = 1;
  config.grace = 10 * kMillisecond;
  FakeHost host(config);
  host.closes = false;
  CallId lost = 0;
  host.on_call = [&](const Attempt& attempt) {
    if (lost != 0) return Reply::fine();
    lost = attempt.call;
    return Reply::silent();
  };
  Result first, second;
  const FiberId id = ask(host, first);
  ask(host, second);
  host.run();
  host.kernel.cancel(id);
  host.pass(9 * kMillisecond);
  EXPECT_FALSE(second.is_over);
  host.pass(kMillisecond);
  EXPECT_TRUE(second.is_over);
  EXPECT_EQ(host.kernel.stats().connections, 1u);
  host.kernel.call_closed(lost);
  host.kernel.call_closed(lost);
  EXPECT_EQ(host.kernel.stats().connections, 0u);
}

TEST_P(Calls, an_answer_after_the_abort_closes_the_call) {
  FakeHost host;
  host.closes = false;
  CallId call = 0;
  host.on_call = [&](const Attempt& attempt) {
    call = attempt.call;
    return Reply::silent();
  };
  Result result;
  const FiberId id = ask(host, result);
  host.run();
  host.kernel.cancel(id);
  host.kernel.call_done(call, true);
  host.kernel.call_done(call, true);
  host.run();
  EXPECT_EQ(result.called.code, OpCode::kCancelled);
  EXPECT_EQ(host.kernel.stats().connections, 0u);
  EXPECT_EQ(host.kernel.live_calls(), 0u);
}

TEST_P(Calls, answers_that_come_twice_or_to_nothing_are_ignored) {
  FakeHost host;
  CallId call = 0;
  host.on_call = [&](const Attempt& attempt) {
    call = attempt.call;
    return Reply::silent();
  };
  Result result;
  ask(host, result);
  host.run();
  host.kernel.call_closed(call);
  host.kernel.call_opened(call);  // not a stream
  EXPECT_FALSE(result.is_over);
  host.kernel.call_done(call, true);
  host.kernel.call_done(call, false, true);
  host.kernel.call_takes(call, 1, true, true, true, -1);
  host.run();
  EXPECT_EQ(result.called.code, OpCode::kOk);
  host.kernel.call_done(4711, true);
}

TEST_P(Calls, higher_priority_goes_first_where_priority_counts) {
  KernelConfig config;
  config.max_calls = 1;
  config.fairness = FairnessMode::kPriority;
  FakeHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  std::string order;
  for (const i32 priority : {0, 0, 5, 9}) {
    SubmitRequest request;
    request.has_priority = true;
    request.priority = priority;
    submit(host, request, [&order, priority](Self self) -> Job {
      // Ask in the reverse order.
      co_await self.delay((10 - priority) * kMillisecond / 100);
      co_await self.call();
      order += static_cast<char>('0' + priority);
      co_return true;
    });
  }
  host.pass(kMillisecond);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(order.size(), 4u);
  EXPECT_EQ(order.substr(1), "500");
  expect_clean(host);
}

TEST_P(Calls, a_lower_limit_lets_calls_finish_and_a_higher_one_starts_more) {
  FakeHost host(config());
  host.on_call = [](const Attempt&) { return Reply::fine(10 * kMillisecond); };
  std::vector<Result> results(6);
  for (Result& result : results) ask(host, result);
  host.run();
  host.kernel.configure(ConfigKey::kMaxCalls, 4);
  host.run();
  EXPECT_EQ(host.open_calls(), 4u);
  host.kernel.configure(ConfigKey::kMaxCalls, 1);
  host.run();
  EXPECT_EQ(host.open_calls(), 4u);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.open_calls(), 1u);
  host.pass(100 * kMillisecond);
  expect_clean(host);
}

// --- Streams ---

TEST_P(Calls, a_stream_opens_gives_chunks_and_closes) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::opened(kMillisecond); };
  host.on_read = [](const Attempt& chunk) {
    Reply reply = Reply::fine(kMillisecond);
    reply.ends = chunk.number == 3;
    return reply;
  };
  u32 chunks = 0;
  OpCode last = OpCode::kOk;
  const FiberId id = submit(host, [&](Self self) -> Job {
    const Opened opened = co_await self.open();
    if (opened.code != OpCode::kOk) co_return false;
    while ((last = co_await self.read(opened.stream)) == OpCode::kOk) ++chunks;
    co_return chunks == 3;
  });
  host.pass(kMillisecond);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 1u);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(last, OpCode::kFailed);  // nothing comes after the end
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Calls, an_open_stream_holds_its_place) {
  KernelConfig config;
  config.max_calls = 1;
  FakeHost host(config);
  host.on_call = [](const Attempt& attempt) { return attempt.stream ? Reply::opened() : Reply::fine(); };
  submit(host, [](Self self) -> Job {
    co_await self.open();
    co_await self.delay(10 * kMillisecond);
    co_return true;
  });
  Result other;
  ask(host, other);
  host.pass(9 * kMillisecond);
  EXPECT_FALSE(other.is_over);
  host.pass(kMillisecond);  // the body is over, and its stream with it
  EXPECT_TRUE(other.is_over);
  EXPECT_EQ(host.aborts, 1u);
  expect_clean(host);
}

TEST_P(Calls, a_cancel_in_mid_stream_closes_the_connection) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::opened(); };
  host.on_read = [](const Attempt&) { return Reply::silent(); };
  OpCode code = OpCode::kOk;
  const FiberId id = submit(host, [&](Self self) -> Job {
    const Opened opened = co_await self.open();
    code = co_await self.read(opened.stream);
    co_return true;
  });
  host.run();
  host.kernel.cancel(id);
  host.run();
  EXPECT_EQ(code, OpCode::kCancelled);
  EXPECT_EQ(host.aborts, 1u);
  expect_clean(host);
}

TEST_P(Calls, a_read_may_time_out_and_be_tried_again) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::opened(); };
  host.on_read = [](const Attempt& chunk) { return chunk.number == 1 ? Reply::silent() : Reply::fine(); };
  std::vector<OpCode> codes;
  submit(host, [&](Self self) -> Job {
    const Opened opened = co_await self.open();
    codes.push_back(co_await self.read(opened.stream, kMillisecond));
    codes.push_back(co_await self.read(opened.stream, kMillisecond));
    co_return true;
  });
  host.pass(kMillisecond);
  EXPECT_EQ(codes, (std::vector<OpCode>{OpCode::kTimeout, OpCode::kOk}));
  expect_clean(host);
}

TEST_P(Calls, a_stream_that_fails_before_it_opens_is_repeated) {
  FakeHost host;
  host.on_call = [](const Attempt& attempt) {
    return attempt.number < 3 ? Reply::busy(kMillisecond) : Reply::opened();
  };
  OpCode code = OpCode::kFailed;
  submit(host, [&](Self self) -> Job {
    code = (co_await self.open()).code;
    co_return true;
  });
  host.pass(10 * kMillisecond);
  EXPECT_EQ(code, OpCode::kOk);
  EXPECT_EQ(host.attempts, 3u);
  expect_clean(host);
}

// --- The host reads effects before runs ---

TEST(CallsOfTheHost, an_abort_may_be_read_before_the_start_it_speaks_of) {
  FakeHost host;
  FiberId id = 0;
  host.on_run = [&](const Command& command) {
    if (command.type == CommandType::kStartCall) host.kernel.cancel(id);
  };
  id = host.submit([](Self self) -> Job { co_return (co_await self.call()).code == OpCode::kOk; });
  host.run();
  EXPECT_EQ(host.aborts, 1u);
  EXPECT_EQ(host.outcome(id), Outcome::kCancelled);
  expect_clean(host);
}

// --- Simulated calls ---

TEST_P(Calls, a_simulated_answer_takes_the_kernels_time) {
  FakeHost host(config());
  host.on_call = [](const Attempt& attempt) {
    Reply reply = attempt.number == 1 ? Reply::busy(2 * kMillisecond) : Reply::fine();
    reply.simulated = true;
    reply.latency = 3 * kMillisecond;
    return reply;
  };
  Result result;
  ask(host, result);
  host.run();
  EXPECT_EQ(host.kernel.live_calls(), 0u);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 1u);
  host.pass(7 * kMillisecond);
  EXPECT_FALSE(result.is_over);
  host.pass(kMillisecond);
  EXPECT_EQ(result.at, 8 * kMillisecond);
  EXPECT_EQ(result.called.attempts, 2u);
  expect_clean(host);
}

TEST_P(Calls, a_simulated_call_is_dropped_at_once) {
  FakeHost host;
  host.on_call = [](const Attempt&) {
    Reply reply = Reply::fine(100 * kMillisecond);
    reply.simulated = true;
    return reply;
  };
  Result result;
  const FiberId id = ask(host, result);
  host.run();
  host.kernel.cancel(id);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 0u);
  EXPECT_EQ(host.kernel.stats().connections, 0u);
  host.run();
  expect_clean(host);
}

TEST_P(Calls, simulated_streams_need_no_connection) {
  FakeHost host;
  host.on_call = [](const Attempt&) {
    Reply reply = Reply::opened(kMillisecond);
    reply.simulated = true;
    return reply;
  };
  host.on_read = [](const Attempt&) {
    Reply reply = Reply::fine(kMillisecond);
    reply.simulated = true;
    return reply;
  };
  u32 chunks = 0;
  submit(host, [&](Self self) -> Job {
    const Opened opened = co_await self.open();
    for (int i = 0; i < 3; ++i) {
      if (co_await self.read(opened.stream) == OpCode::kOk) ++chunks;
    }
    co_return true;
  });
  host.pass(4 * kMillisecond);
  EXPECT_EQ(chunks, 3u);
  expect_clean(host);
}

}  // namespace
}  // namespace heddle::testing
