// Reads any bytes as a text of data. What it reads must print as a text that reads back as an equal datum; what it
// refuses must be refused with a condition; and both must leave the heap as it was.
#include <string>
#include <string_view>

#include "check.h"
#include "lisp/equality.h"
#include "lisp/machine.h"
#include "lisp/text/printer.h"
#include "lisp/text/reader.h"

using namespace heddle;
using namespace heddle::lisp;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
  static Machine* machine = new Machine(64 << 20);
  Heap& heap = machine->heap();
  {
    Reader reader(*machine, std::string_view(reinterpret_cast<const char*>(data), size),
                  machine->sources().add("fuzz"));
    for (;;) {
      const Value datum = reader.read();
      if (datum == kRaised) {
        check(is_a(machine->raised(), Type::kCondition), "what was refused has a condition");
        break;
      }
      if (datum == kEof) break;
      const std::string text = written(datum);
      Reader again(*machine, Text::utf8(text));
      const Value copy = again.read();
      check(copy != kRaised, "what was written can be read");
      u64 work = 0;
      check(is_equal(datum, copy, &work), "what was read back is equal");
      check(again.read() == kEof, "nothing follows it");
    }
  }
  heap.collect_all();
  static u64 floor = heap.used();
  // Nothing but symbols that the machine knows stays.
  check(heap.used() <= floor + (1 << 16), "the heap is as it was");
  return 0;
}
