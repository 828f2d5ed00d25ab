// Applies recorded events to a fresh kernel and prints the hash of its commands, sixteen hexadecimal digits: so that a
// run of a WebAssembly build can be compared with the native core.
//
//   replay_events FILE
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
// The rest of the configuration comes as kConfigure events. Exit status: 0, or 2 if the file is not as described.
#include <bit>
#include <cstdio>
#include <cstring>
#include <vector>

#include "heddle/kernel.h"

namespace {

static_assert(std::endian::native == std::endian::little, "records are read as they lie in memory");

constexpr std::size_t kHeader = 8;

int fail(const char* what) {
  std::fprintf(stderr, "replay_events: %s\n", what);
  return 2;
}

void drain(heddle::Kernel& kernel) {
  while (!kernel.effects().empty()) kernel.effects().pop();
  while (!kernel.runs().empty()) kernel.runs().pop();
}

bool is_count(double value, double most) {
  return value >= 0 && value <= most && value == static_cast<heddle::u32>(value);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("needs one argument, the file of events");
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
  heddle::Kernel kernel(config);
  for (const heddle::Event& event : events) {
    kernel.apply(event);
    if (event.type == heddle::EventType::kStep) drain(kernel);
  }
  std::printf("%016llx\n", static_cast<unsigned long long>(kernel.stats().command_hash));
  return 0;
}
