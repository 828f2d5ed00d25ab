// A host of Lisp programs without JavaScript: runs them to their end under virtual time, reads what they give as text,
// and answers their host operations by a script.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "heddle/lisp.h"

namespace heddle::testing {

// The bytes of values, as a host writes them.
struct Wire {
  static std::string number(u32 number) {
    std::string bytes;
    for (u32 i = 0; i < 4; ++i, number >>= 8) bytes += static_cast<char>(number & 0xff);
    return bytes;
  }
  static std::string raw(std::string_view text) { return number(static_cast<u32>(text.size())) + std::string(text); }
  static std::string text(std::string_view text) { return '\x07' + raw(text); }
  static std::string list(const std::vector<std::string>& items) {
    std::string bytes = '\x08' + number(static_cast<u32>(items.size()));
    for (const std::string& item : items) bytes += item;
    return bytes;
  }
  static std::string table(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string bytes = '\x09' + number(static_cast<u32>(entries.size()));
    for (const auto& [key, value] : entries) bytes += raw(key) + value;
    return bytes;
  }
  static std::string yes() { return "\x02"; }
  static std::string null() { return std::string(1, '\0'); }
  static std::string integer(double value) {
    std::string bytes = "\x04";
    u64 bits = std::bit_cast<u64>(value);
    for (u32 i = 0; i < 8; ++i, bits >>= 8) bytes += static_cast<char>(bits & 0xff);
    return bytes;
  }
  static std::string error(std::string_view code, std::string_view message, u32 host_error = 0) {
    return '\x0d' + text(code) + text(message) + '\x03' + list({}) + list({}) + '\x03' + number(host_error);
  }
  // The text that begins a value.
  static std::string read_text(std::string_view bytes, std::size_t at = 0) {
    if (bytes.size() < at + 5 || bytes[at] != 7) return "not a text";
    u32 length = 0;
    for (u32 i = 0; i < 4; ++i) length |= static_cast<u32>(static_cast<u8>(bytes[at + 1 + i])) << (8 * i);
    return std::string(bytes.substr(at + 5, length));
  }
};

class LispHost {
 public:
  using Entries = std::vector<std::pair<std::string, std::string>>;
  // What a host operation gets: its bytes, and after how many milliseconds.
  struct Answer {
    bool ok = true;
    std::string bytes = Wire::null();
    Time after = 0;
    bool never = false;
  };

  explicit LispHost(const KernelConfig& config) : kernel(config), lisp(kernel) {}
  LispHost() : LispHost(virtual_time()) {}
  static KernelConfig virtual_time() {
    KernelConfig config;
    config.virtual_time = true;
    return config;
  }

  FiberId submit(std::string_view source, Entries options = {}, Entries globals = {}) {
    options.emplace_back("written", Wire::yes());
    const FiberId id = lisp.submit(0, 0, 0,
                                   Wire::list({Wire::text(source), Wire::text("test.scm"), Wire::list({}),
                                               Wire::table(globals), Wire::table(options)}));
    return id;
  }

  // Its value as `write` writes it, "Code: message" of its error, or how it settled otherwise.
  std::string run(std::string_view source, Entries options = {}, Entries globals = {}) {
    const FiberId id = submit(source, std::move(options), std::move(globals));
    if (id == 0) return "refused";
    settle();
    const auto found = results.find(id);
    return found == results.end() ? "pending" : found->second;
  }

  void settle(u32 most_steps = 100'000) {
    for (u32 i = 0; i < most_steps; ++i) {
      const bool more = kernel.step(256);
      const bool acts = !kernel.runs().empty();
      drain();
      const std::string broken = kernel.broken_invariant();
      if (!broken.empty()) {
        ADD_FAILURE() << broken;
        return;
      }
      // Nobody outside does anything for a program.
      if (std::exchange(is_quiet, false) && kernel.break_deadlock() > 0) continue;
      if (!more && !acts && !time_could_pass && !kernel.awaits_host()) return;
    }
    ADD_FAILURE() << "does not come to an end";
  }

  void drain() {
    while (!kernel.effects().empty()) {
      const Command command = kernel.effects().pop();
      told.push_back(command);
      switch (command.type) {
        case CommandType::kAlarm: time_could_pass = command.x() == 0; break;
        case CommandType::kQuiet: is_quiet = true; break;
        case CommandType::kSettle: results[command.a] = result_of(command); break;
        case CommandType::kOutput:
          lisp.output(command.a);
          printed += lisp.out();
          break;
        default: break;
      }
    }
    while (!kernel.runs().empty()) {
      const Command command = kernel.runs().pop();
      told.push_back(command);
      if (command.type == CommandType::kHostOp) begin(command);
      if (command.type == CommandType::kResume) finish(command);
    }
  }

  u32 count(CommandType type) const {
    u32 found = 0;
    for (const Command& command : told) found += command.type == type ? 1 : 0;
    return found;
  }

  Kernel kernel;
  Lisp lisp;
  std::map<FiberId, std::string> results;
  std::string printed;
  std::vector<Command> told;
  bool time_could_pass = false;
  bool is_quiet = false;
  u32 open = 0;  // host operations under way, and the most at once
  u32 most_open = 0;
  std::function<Answer(u32 procedure, const std::string& arguments)> on_host = [](u32, const std::string&) {
    return Answer{};
  };

 private:
  struct Pending {
    OpId op;
    Answer answer;
  };

  std::string result_of(const Command& command) {
    const auto outcome = static_cast<Outcome>(command.detail[0]);
    if (outcome == Outcome::kCancelled) return "cancelled";
    if (outcome == Outcome::kTimedOut) return "timed out";
    const LispResult kind = lisp.result(command.a);
    const std::string bytes(lisp.out());
    if (kind == LispResult::kNone) return "none";
    if (kind == LispResult::kValue) return bytes == "\x03" ? "" : Wire::read_text(bytes);
    const std::string code = Wire::read_text(bytes, 1);
    return code + ": " + Wire::read_text(bytes, 1 + 5 + code.size());
  }

  // Serves it by a delay of its own on the same fiber.
  void begin(const Command& command) {
    const u32 procedure = lisp.arguments(command.a);
    if (procedure == 0) return;
    EXPECT_EQ(procedure, command.c);
    const Answer answer = on_host(procedure, std::string(lisp.out()));
    most_open = std::max(most_open, ++open);
    if (answer.never) return;
    const i32 op = kernel.delay(command.b, answer.after);
    EXPECT_GT(op, 0);
    delays_[static_cast<OpId>(op)] = {command.a, answer};
  }
  void finish(const Command& command) {
    const auto found = delays_.find(command.a);
    if (found == delays_.end()) return;
    const Pending pending = found->second;
    delays_.erase(found);
    --open;
    if (command.b == static_cast<u32>(OpCode::kOk)) {
      EXPECT_TRUE(lisp.reply(pending.op, pending.answer.ok, pending.answer.bytes));
    } else {
      EXPECT_FALSE(lisp.reply(pending.op, pending.answer.ok, pending.answer.bytes));
    }
  }

  std::map<OpId, Pending> delays_;
};

}  // namespace heddle::testing
