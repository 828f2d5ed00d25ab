// The sliding window against two models: one that counts everything again for each question, and a provider that counts
// what arrives and when.
#include "kernel/rate_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernel/random.h"

namespace heddle {
namespace {

constexpr Time kWindow = 60'000 * kMillisecond;
constexpr Time kSecond = 1000 * kMillisecond;

// Takes what fits: gives its entry.
u64 sent_now(RateWindow& rate, Time now, i64 tokens) {
  EXPECT_TRUE(rate.fits(now, tokens));
  rate.hold(tokens);
  return rate.send(now, tokens);
}

TEST(RateWindow, without_limits_everything_fits) {
  RateWindow rate;
  EXPECT_FALSE(rate.is_limited());
  EXPECT_TRUE(rate.fits(0, 1'000'000));
  EXPECT_TRUE(rate.fits_ever(1'000'000));
  EXPECT_EQ(rate.next_change(0), kNever);
  EXPECT_EQ(rate.fits_at(7, 1), 7);
}

TEST(RateWindow, a_request_counts_a_whole_window_and_a_millisecond_after_it_can_have_arrived) {
  RateWindow rate;
  rate.set_requests(1);
  rate.set_transit(5 * kSecond);
  sent_now(rate, kSecond, 0);
  const Time leaves = kSecond + 5 * kSecond + kWindow + kMillisecond;
  EXPECT_EQ(rate.next_change(kSecond), leaves);
  EXPECT_EQ(rate.fits_at(kSecond, 0), leaves);
  EXPECT_FALSE(rate.fits(leaves - 1, 0));
  EXPECT_EQ(rate.requests_at(leaves - 1), 1u);
  EXPECT_EQ(rate.requests_at(leaves), 0u);
  EXPECT_TRUE(rate.fits(leaves, 0));
}

TEST(RateWindow, one_that_did_not_travel_counts_from_its_sending) {
  RateWindow rate;
  rate.set_requests(1);
  rate.set_transit(5 * kSecond);
  const u64 entry = sent_now(rate, 0, 0);
  // What is under way then does not change what was.
  rate.set_transit(kSecond);
  rate.arrived_at_once(entry, 0);
  EXPECT_FALSE(rate.fits(kWindow, 0));
  EXPECT_TRUE(rate.fits(kWindow + kMillisecond, 0));
  // And one that has left the log is not looked for.
  rate.arrived_at_once(entry, 0);
  EXPECT_EQ(rate.requests(), 0u);
}

TEST(RateWindow, what_is_held_counts_until_it_is_sent_or_given_up) {
  RateWindow rate;
  rate.set_tokens(100);
  rate.hold(60);
  EXPECT_FALSE(rate.fits(1000 * kWindow, 41));
  EXPECT_TRUE(rate.fits(1000 * kWindow, 40));
  EXPECT_EQ(rate.next_change(0), kNever);
  EXPECT_EQ(rate.fits_at(0, 41), kNever);
  rate.release(60);
  EXPECT_TRUE(rate.fits(0, 100));
}

TEST(RateWindow, a_request_needs_room_for_itself_and_for_its_tokens) {
  RateWindow rate;
  rate.set_requests(2);
  rate.set_tokens(100);
  sent_now(rate, 0, 90);
  EXPECT_FALSE(rate.fits(0, 11));
  EXPECT_TRUE(rate.fits(0, 10));
  sent_now(rate, 0, 0);
  EXPECT_FALSE(rate.fits(0, 0));
  EXPECT_TRUE(rate.fits_ever(100));
  EXPECT_FALSE(rate.fits_ever(101));
}

TEST(RateWindow, the_truth_replaces_the_estimate_while_it_is_in_the_window) {
  RateWindow rate;
  rate.set_tokens(100);
  const u64 first = sent_now(rate, 0, 80);
  rate.settle(kSecond, first, 80, 10);
  EXPECT_EQ(rate.tokens(), 10);
  const u64 second = sent_now(rate, kSecond, 90);
  rate.settle(2 * kSecond, second, 90, 150);
  EXPECT_EQ(rate.tokens(), 160);
  EXPECT_FALSE(rate.fits(kWindow + kMillisecond, 0));
  EXPECT_TRUE(rate.fits(kSecond + kWindow + kMillisecond, 100));
}

TEST(RateWindow, more_tokens_than_estimated_count_even_when_they_are_known_late) {
  RateWindow rate;
  rate.set_requests(1);
  rate.set_tokens(100);
  const u64 entry = sent_now(rate, 0, 10);
  const Time late = 2 * kWindow;
  EXPECT_TRUE(rate.fits(late, 100));
  rate.settle(late, entry, 10, 40);
  EXPECT_EQ(rate.tokens(), 30);
  EXPECT_TRUE(rate.fits(late, 70));  // no request of its own
  EXPECT_FALSE(rate.fits(late, 71));
  EXPECT_TRUE(rate.fits(late + kWindow + kMillisecond, 100));
  rate.settle(late, entry, 10, 5);  // fewer change nothing any more
  EXPECT_EQ(rate.tokens(), 0);
}

TEST(RateWindow, a_servers_count_makes_it_more_careful_never_less) {
  RateWindow rate;
  rate.set_requests(10);
  rate.set_tokens(100);
  sent_now(rate, 0, 20);
  rate.report_requests(0, 1000, -1);
  rate.report_tokens(0, 1000, -1);
  EXPECT_FALSE(rate.fits(0, 81));
  // 80 of ours are missing there: others used 50.
  rate.report_tokens(0, 30, 10 * kSecond);
  EXPECT_TRUE(rate.fits(0, 30));
  EXPECT_FALSE(rate.fits(0, 31));
  EXPECT_EQ(rate.next_change(0), 10 * kSecond);
  EXPECT_EQ(rate.fits_at(0, 31), 10 * kSecond);
  EXPECT_TRUE(rate.fits(10 * kSecond, 80));
  rate.report_requests(0, 0, 2 * kWindow);
  EXPECT_FALSE(rate.fits(kWindow, 0));
  EXPECT_TRUE(rate.fits(kWindow + kMillisecond, 0));  // nothing counts for longer than a window
}

TEST(RateWindow, a_later_word_that_says_less_takes_nothing_back_before_its_time) {
  RateWindow rate;
  rate.set_requests(10);
  rate.set_tokens(1000);
  rate.report_requests(0, 4, 20 * kSecond);
  rate.report_tokens(0, 400, 20 * kSecond);
  sent_now(rate, 0, 100);
  // Sent before ours arrived there: it says nothing of it.
  rate.report_requests(0, 6, 60 * kSecond);
  rate.report_tokens(0, 600, 60 * kSecond);
  EXPECT_TRUE(rate.fits(0, 300));
  EXPECT_FALSE(rate.fits(0, 301));
  for (int i = 0; i < 3; ++i) sent_now(rate, 0, 0);
  EXPECT_FALSE(rate.fits(0, 0));
  EXPECT_TRUE(rate.fits(20 * kSecond, 900));
}

TEST(RateWindow, what_was_let_through_may_be_sent_while_the_limit_allows_it) {
  RateWindow rate;
  rate.set_requests(4);
  rate.set_tokens(400);
  for (int i = 0; i < 4; ++i) rate.hold(100);
  EXPECT_TRUE(rate.may_send(0, 100));
  rate.send(0, 100);
  rate.set_requests(2);
  EXPECT_TRUE(rate.may_send(0, 100));
  rate.send(0, 100);
  EXPECT_FALSE(rate.may_send(0, 100));
  rate.set_requests(0);
  rate.set_tokens(250);
  EXPECT_TRUE(rate.may_send(0, 50));
  EXPECT_FALSE(rate.may_send(0, 51));
  rate.set_tokens(0);
  EXPECT_TRUE(rate.may_send(0, 1000));
  rate.set_requests(2);
  EXPECT_FALSE(rate.may_send(kWindow, 0));
  EXPECT_TRUE(rate.may_send(kWindow + kMillisecond, 0));
}

TEST(RateWindow, a_servers_count_knows_nothing_of_what_is_held) {
  RateWindow rate;
  rate.set_requests(10);
  sent_now(rate, 0, 0);
  for (int i = 0; i < 4; ++i) rate.hold(0);
  rate.report_requests(0, 5, -1);  // of 9 that are left by our count, others took 4
  for (int i = 0; i < 4; ++i) rate.send(0, 0);
  EXPECT_TRUE(rate.fits(0, 0));
  sent_now(rate, 0, 0);
  EXPECT_FALSE(rate.fits(0, 0));
}

TEST(RateWindow, a_shorter_window_holds_at_once) {
  RateWindow rate;
  rate.set_requests(1);
  sent_now(rate, 0, 0);
  rate.set_window(kSecond);
  EXPECT_EQ(rate.next_change(0), kSecond + kMillisecond);
  EXPECT_TRUE(rate.fits(kSecond + kMillisecond, 0));
}

TEST(RateWindow, when_a_request_fits_counts_what_leaves_and_what_others_give_back) {
  RateWindow rate;
  rate.set_requests(100);
  rate.set_tokens(100);
  sent_now(rate, 0, 40);
  sent_now(rate, 20 * kSecond, 40);
  rate.report_tokens(20 * kSecond, 0, 50 * kSecond);  // others have 20 until 70 s
  EXPECT_EQ(rate.fits_at(20 * kSecond, 40), kWindow + kMillisecond);
  EXPECT_EQ(rate.fits_at(20 * kSecond, 60), 70 * kSecond);
  EXPECT_EQ(rate.fits_at(20 * kSecond, 61), 20 * kSecond + kWindow + kMillisecond);
  EXPECT_EQ(rate.fits_at(20 * kSecond, 101), kNever);
}

// Everything counted again for each question.
class Recount {
 public:
  struct Entry {
    Time arrived;
    i64 requests;
    i64 tokens;
  };
  void expire(Time now) {
    while (!log.empty() && log.front().arrived + window + kMillisecond <= now) {
      log.erase(log.begin());
      ++gone;
    }
  }
  bool fits(Time now, i64 wanted) const {
    if (requests_limit == 0 && tokens_limit == 0) return true;
    i64 requests = held_requests + (now < others_until ? others : 0);
    i64 tokens = held_tokens + (now < other_tokens_until ? other_tokens : 0);
    Time leaves = 0;
    for (const Entry& entry : log) {
      leaves = std::max(leaves, entry.arrived + window + kMillisecond);
      if (leaves <= now) continue;
      requests += entry.requests;
      tokens += entry.tokens;
    }
    return (requests_limit == 0 || requests + 1 <= requests_limit) &&
           (tokens_limit == 0 || tokens + wanted <= tokens_limit);
  }
  // The first of all times at which anything changes.
  Time fits_at(Time now, i64 wanted) const {
    std::vector<Time> times = {now, others_until, other_tokens_until};
    for (const Entry& entry : log) times.push_back(entry.arrived + window + kMillisecond);
    std::sort(times.begin(), times.end());
    for (const Time time : times) {
      if (time >= now && fits(time, wanted)) return time;
    }
    return kNever;
  }

  std::vector<Entry> log;
  u64 gone = 0;
  i64 requests_limit = 0, tokens_limit = 0;
  i64 held_requests = 0, held_tokens = 0;
  i64 others = 0, other_tokens = 0;
  Time others_until = 0, other_tokens_until = 0;
  Time window = kWindow, transit = 0;
};

TEST(RateWindow, random_use_and_live_changes_give_what_counting_again_gives) {
  for (u64 seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed, 5);
    RateWindow rate;
    Recount model;
    struct Sent {
      u64 entry;
      i64 tokens;
      Time at;
    };
    std::vector<Sent> open;
    std::vector<i64> held;
    Time now = 0;
    for (u32 i = 0; i < 3000; ++i) {
      if (random.below(3) == 0) now += random.below(6'000) * kMillisecond + random.below(3);
      const i64 tokens = random.below(60);
      switch (random.below(12)) {
        case 0:
          model.requests_limit = random.below(4) == 0 ? 0 : 1 + random.below(12);
          rate.set_requests(static_cast<u32>(model.requests_limit));
          break;
        case 1:
          model.tokens_limit = random.below(4) == 0 ? 0 : 1 + random.below(400);
          rate.set_tokens(model.tokens_limit);
          break;
        case 2:
          if (random.below(8) != 0) break;
          model.window = (1 + random.below(90)) * kSecond;
          rate.set_window(model.window);
          break;
        case 3:
          if (random.below(8) != 0) break;
          model.transit = random.below(10) * kSecond;
          rate.set_transit(model.transit);
          break;
        case 4: {
          const i64 remaining = random.below(20);
          const Time reset = random.below(3) == 0 ? -1 : random.below(100) * kSecond;
          rate.report_requests(now, remaining, reset);
          if (model.requests_limit == 0) break;
          model.expire(now);
          i64 ours = model.requests_limit;
          for (const auto& entry : model.log) ours -= entry.requests;
          const i64 others = std::max(i64{0}, ours - remaining);
          if (now < model.others_until && others < model.others) break;
          model.others = others;
          model.others_until = now + std::min(reset < 0 ? kNever : reset, model.window + kMillisecond);
          break;
        }
        case 5: {
          const i64 remaining = random.below(300);
          const Time reset = random.below(3) == 0 ? -1 : random.below(100) * kSecond;
          rate.report_tokens(now, remaining, reset);
          if (model.tokens_limit == 0) break;
          model.expire(now);
          i64 ours = model.tokens_limit;
          for (const auto& entry : model.log) ours -= entry.tokens;
          const i64 others = std::max(i64{0}, ours - remaining);
          if (now < model.other_tokens_until && others < model.other_tokens) break;
          model.other_tokens = others;
          model.other_tokens_until = now + std::min(reset < 0 ? kNever : reset, model.window + kMillisecond);
          break;
        }
        case 6: {
          if (open.empty()) break;
          const u32 at = random.below(static_cast<u32>(open.size()));
          const Sent sent = open[at];
          open.erase(open.begin() + at);
          const i64 used = random.below(2) == 0 ? random.below(100) : sent.tokens;
          rate.settle(now, sent.entry, sent.tokens, used);
          if (sent.entry >= model.gone)
            model.log[sent.entry - model.gone].tokens += used - sent.tokens;
          else if (used > sent.tokens)
            model.log.push_back({now + model.transit, 0, used - sent.tokens});
          break;
        }
        case 7: {
          if (open.empty()) break;
          const Sent& sent = open[random.below(static_cast<u32>(open.size()))];
          rate.arrived_at_once(sent.entry, sent.at);
          if (sent.entry >= model.gone) model.log[sent.entry - model.gone].arrived = sent.at;
          break;
        }
        case 8:
          if (held.empty()) break;
          rate.release(held.back());
          --model.held_requests;
          model.held_tokens -= held.back();
          held.pop_back();
          break;
        default:
          if (!rate.fits(now, tokens)) break;
          rate.hold(tokens);
          ++model.held_requests;
          model.held_tokens += tokens;
          held.push_back(tokens);
      }
      // What is held goes out later, in any order.
      if (!held.empty() && random.below(2) == 0) {
        const u32 at = random.below(static_cast<u32>(held.size()));
        const i64 sent = held[at];
        held.erase(held.begin() + at);
        open.push_back({rate.send(now, sent), sent, now});
        --model.held_requests;
        model.held_tokens -= sent;
        model.log.push_back({now + model.transit, 1, sent});
        ASSERT_EQ(open.back().entry, model.gone + model.log.size() - 1);
      }
      ASSERT_EQ(rate.fits_at(now, tokens), model.fits_at(now, tokens)) << i;
      ASSERT_EQ(rate.fits(now, tokens), model.fits(now, tokens)) << i;
      if (model.requests_limit != 0 || model.tokens_limit != 0) model.expire(now);
    }
  }
}

// A provider that counts a request when it arrives, in every window of 60 s, both ends included.
struct Arrival {
  Time at;
  i64 tokens;
};

void expect_within(std::vector<Arrival> arrivals, i64 requests, i64 tokens) {
  std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
  i64 count = 0, sum = 0;
  std::size_t first = 0;
  for (const Arrival& arrival : arrivals) {
    ++count;
    sum += arrival.tokens;
    for (; arrivals[first].at < arrival.at - kWindow; ++first) {
      --count;
      sum -= arrivals[first].tokens;
    }
    ASSERT_LE(count, requests) << "in the window that ends at " << arrival.at;
    ASSERT_LE(sum, tokens) << "in the window that ends at " << arrival.at;
  }
}

TEST(RateWindow, no_window_of_the_provider_is_ever_exceeded_wherever_in_their_time_under_way_requests_arrive) {
  constexpr Time kTransits[] = {0, kMillisecond, 3 * kSecond, 90 * kSecond};
  for (u64 seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed, 6);
    const u32 requests = 1 + random.below(20);
    const i64 tokens = 100 + random.below(2000);
    const Time transit = kTransits[random.below(4)];
    const u32 most = 1 + random.below(static_cast<u32>(tokens));
    RateWindow rate;
    rate.set_requests(requests);
    rate.set_tokens(tokens);
    rate.set_transit(transit);
    struct Sent {
      u64 entry;
      i64 reserved;
      std::size_t arrival;
    };
    std::vector<Sent> open;
    std::vector<i64> held;
    std::vector<Arrival> arrivals;
    u32 lows = 0;
    Time now = 0;
    for (u32 i = 0; i < 4000; ++i) {
      // Often to the very microsecond at which something leaves the window.
      const Time next = rate.next_change(now);
      if (random.below(6) == 0 && next != kNever)
        now = std::max(now, next - random.below(2));
      else if (random.below(4) == 0)
        now += random.below(2'000'000);
      const i64 wanted = random.below(most + 1);
      if (rate.fits(now, wanted)) {
        rate.hold(wanted);
        held.push_back(wanted);
      }
      while (!held.empty() && random.below(3) != 0) {
        const u32 at = random.below(static_cast<u32>(held.size()));
        const u32 way = random.below(3);
        const Time under_way = way == 0   ? 0
                               : way == 1 ? transit
                                          : static_cast<Time>(random.unit() * static_cast<double>(transit));
        open.push_back({rate.send(now, held[at]), held[at], arrivals.size()});
        arrivals.push_back({now + under_way, held[at]});
        held.erase(held.begin() + at);
      }
      if (!open.empty() && random.below(2) == 0) {
        const u32 at = random.below(static_cast<u32>(open.size()));
        const i64 used = random.below(static_cast<u32>(open[at].reserved) + 1);
        if (random.below(4) != 0) {
          rate.settle(now, open[at].entry, open[at].reserved, used);
          arrivals[open[at].arrival].tokens = used;
          ++lows;
        }
        open.erase(open.begin() + at);
      }
      if (random.below(50) == 0) rate.report_tokens(now, random.below(5000), -1);
    }
    expect_within(arrivals, requests, tokens);
    EXPECT_GT(lows, 20u);
    EXPECT_GT(arrivals.size(), 40u);
  }
}

TEST(RateWindow, the_whole_of_a_window_can_be_used_again_each_window) {
  RateWindow rate;
  rate.set_requests(50);
  rate.set_tokens(1000);
  u32 sent = 0;
  for (Time now = 0; now <= 10 * (kWindow + kMillisecond); now += kMillisecond) {
    while (rate.fits(now, 20)) {
      sent_now(rate, now, 20);
      ++sent;
    }
  }
  EXPECT_EQ(sent, 11u * 50);
}

}  // namespace
}  // namespace heddle
