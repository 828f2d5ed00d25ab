// Applies recorded events to a fresh kernel and prints the hash of its commands, sixteen hexadecimal digits: so that a
// run of a WebAssembly build can be compared with the native core. With Lisp programs in it: the hash, the steps of the
// machine, each in a line of its own, and then what the programs printed, to the end.
//
//   replay_events FILE [PAYLOADS]
//
// The file is a header of eight little-endian doubles, and then any number of 32-byte Event records as the kernel
// records them (heddle/event.h). The header:
//
//   0  format version, 1
//   1  seed; the kernel's is the double's bits
//   2  virtual time: 0 or 1
//   3  DispatchPolicy
//   4  quantum
//   5..7  zero
//
// The rest of the configuration comes as kConfigure events.
//
// PAYLOADS has the bytes that kPayload events give the length and the hash of, in their order: each a length (u32) and
// so many bytes. What the core refused may stand between them. A payload goes where the recorded run's went: with a
// kSubmit behind it it is a program, with a kHostDone an answer, else the name of a procedure of the host's.
//
// Exit status: 0, or 2 if a file is not as described.
#include <bit>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "heddle/kernel.h"
#include "heddle/lisp.h"

namespace {

static_assert(std::endian::native == std::endian::little, "records are read as they lie in memory");

constexpr std::size_t kHeader = 8;

int fail(const char* what) {
  std::fprintf(stderr, "replay_events: %s\n", what);
  return 2;
}

// A run, as its host drives it.
struct Replay {
  explicit Replay(const heddle::KernelConfig& config) : kernel(config) {}

  // The host reads results, names, texts and arguments as the commands tell of them: that forgets them in the core.
  void drain() {
    while (!kernel.effects().empty()) {
      const heddle::Command command = kernel.effects().pop();
      if (lisp == nullptr) continue;
      switch (command.type) {
        case heddle::CommandType::kSettle: lisp->result(command.a); break;
        case heddle::CommandType::kSpawned: lisp->spawned(command.a); break;
        case heddle::CommandType::kOutput:
          lisp->output(command.a);
          output += lisp->out();
          break;
        default: break;
      }
    }
    while (!kernel.runs().empty()) {
      const heddle::Command command = kernel.runs().pop();
      if (lisp != nullptr && command.type == heddle::CommandType::kHostOp) lisp->arguments(command.a);
    }
  }

  // The recorded bytes of a payload; false if there are none.
  bool find(const heddle::Event& event, std::string& bytes) {
    for (; next < payloads.size(); ++next) {
      if (payloads[next].size() != event.a || hash_of(payloads[next]) != std::bit_cast<heddle::u64>(event.x)) continue;
      bytes = payloads[next++];
      return true;
    }
    return false;
  }
  static heddle::u64 hash_of(const std::string& bytes) {
    heddle::u64 hash = 0xCBF29CE484222325ULL;
    for (const char byte : bytes) hash = (hash ^ static_cast<heddle::u8>(byte)) * 0x100000001B3ULL;
    return hash;
  }

  // Gives a payload with the event behind it to the Lisp. False if it was not taken as in the recorded run.
  bool carry(const std::vector<heddle::Event>& events, std::size_t& at) {
    std::string bytes;
    if (!find(events[at], bytes)) return false;
    if (lisp == nullptr) lisp = std::make_unique<heddle::Lisp>(kernel);
    std::size_t behind = at + 1;
    while (behind < events.size() && events[behind].type == heddle::EventType::kOption) ++behind;
    if (behind < events.size() && is_program(events[behind])) {
      for (std::size_t option = at + 1; option < behind; ++option) kernel.apply(events[option]);
      at = behind;
      const heddle::Event& submit = events[behind];
      lisp->submit(submit.a, submit.b, submit.c, bytes);
      return true;
    }
    if (at + 1 < events.size() && events[at + 1].type == heddle::EventType::kHostDone) {
      const heddle::Event& done = events[++at];
      return lisp->reply(done.a, done.b != 0, bytes);
    }
    return lisp->define(bytes) != 0;
  }
  static bool is_program(const heddle::Event& event) {
    return event.type == heddle::EventType::kSubmit &&
           (event.b >> 8 & 0xff) == static_cast<heddle::u32>(heddle::BodyKind::kShared);
  }

  heddle::Kernel kernel;
  std::unique_ptr<heddle::Lisp> lisp;  // made when the first payload comes, as in every host
  std::vector<std::string> payloads;
  std::size_t next = 0;
  std::string output;
};

bool read_payloads(const char* name, std::vector<std::string>& payloads) {
  std::FILE* file = std::fopen(name, "rb");
  if (file == nullptr) return false;
  heddle::u32 length = 0;
  bool is_whole = true;
  while (is_whole) {
    const std::size_t got = std::fread(&length, 1, sizeof length, file);
    if (got == 0) break;
    std::string bytes;
    if (got == sizeof length) bytes.resize(length);
    is_whole = got == sizeof length && std::fread(bytes.data(), 1, length, file) == length;
    payloads.push_back(std::move(bytes));
  }
  std::fclose(file);
  return is_whole;
}

bool is_count(double value, double most) {
  return value >= 0 && value <= most && value == static_cast<heddle::u32>(value);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return fail("needs the file of events, and at most that of payloads");
  std::FILE* file = std::fopen(argv[1], "rb");
  if (file == nullptr) return fail("cannot open the file");
  double header[kHeader] = {};
  std::vector<heddle::Event> events;
  const bool has_header = std::fread(header, sizeof(double), kHeader, file) == kHeader;
  unsigned char record[sizeof(heddle::Event)];
  std::size_t got = 0;
  while ((got = std::fread(record, 1, sizeof record, file)) == sizeof record) {
    heddle::Event event;
    std::memcpy(&event, record, sizeof record);
    events.push_back(event);
  }
  std::fclose(file);
  if (!has_header || header[0] != 1) return fail("not a file of events, version 1");
  if (got != 0) return fail("the last event is cut short");
  if (!is_count(header[2], 1) || !is_count(header[3], 3) || !is_count(header[4], 4294967295.0)) {
    return fail("the header's configuration is out of range");
  }

  heddle::KernelConfig config;
  config.seed = std::bit_cast<heddle::u64>(header[1]);
  config.virtual_time = header[2] != 0;
  config.dispatch = static_cast<heddle::DispatchPolicy>(static_cast<heddle::u32>(header[3]));
  config.quantum = static_cast<heddle::u32>(header[4]);
  Replay replay(config);
  if (argc == 3 && !read_payloads(argv[2], replay.payloads)) return fail("the file of payloads is cut short");
  for (std::size_t at = 0; at < events.size(); ++at) {
    if (argc == 3 && events[at].type == heddle::EventType::kPayload) {
      if (!replay.carry(events, at)) return fail("a payload is missing, or is not taken");
      continue;
    }
    replay.kernel.apply(events[at]);
    if (events[at].type == heddle::EventType::kStep) replay.drain();
  }
  const heddle::Stats stats = replay.kernel.stats();
  std::printf("%016llx\n", static_cast<unsigned long long>(stats.command_hash));
  if (argc == 3) {
    std::printf("%llu\n", static_cast<unsigned long long>(stats.machine_steps));
    std::fwrite(replay.output.data(), 1, replay.output.size(), stdout);
  }
  return 0;
}
