// The Lisp's data plane: programs, their results, and what they ask of the host. Partners: heddle/lisp.h,
// core/lisp/wire.h (the bytes), js/src/lisp/.
//
// Bytes go in through hd_lisp_buffer(bytes), the address of scratch memory that the next call below reads (all of the
// `bytes` last asked for; an address holds until the next call of any export, memory may grow). Bytes come out at
// hd_lisp_out(), the address of two u32 words {address, length} that stay where they are; they describe what the last
// call gave, until the next one.
//
// Programs
//   hd_option(which, value) ...            settings of the task, as for hd_submit
//   hd_lisp_program(parent, bits, shield)  -> fiber, 0: refused (parent cancelled, malformed bytes). `bits` as for
//                                          hd_submit: kind 0, detached << 16, kept << 17. Buffer: wire list
//       [source string, file name string, arguments list, globals object, options object]
//     options: environment: 'fresh' (default) | 'shared'; heapLimit: bytes, of the whole heap while the program has
//     fibers; steps: number, budget of machine steps of the program with all its fibers; name: string; written: true:
//     the result is the text that `write` gives (undefined where it is unspecified).
//     A fresh program finds the arguments as the global `args`.
//     The task is a kTask: kStarted, kSettle and kEnded tell of it, no kStart ever does.
//   hd_lisp_result(fiber)  -> 0 none, 1 value, 2 error (tag 13), in out. Call it while carrying out kSettle (outcome
//                             completed or failed); afterwards it is gone. A value that cannot cross gives 2 with
//                             ConversionError although the outcome is `completed`.
//   kSpawned (effect; a: fiber, b: parent or 0, c: seq)  a program's `async` made a task. Before any other command
//                             about it. Then hd_lisp_spawned(fiber) -> 1, out: list [name or null, priority].
//   hd_seq(fiber)          -> its number since the runtime began (0: no fiber). Light fibers count as well, so tasks
//                             of JavaScript take theirs from here.
//   kOutput (effect; a: program, b: bytes)  hd_lisp_output(program): out: what it printed, plain UTF-8 (no wire). The
//                             program's number is the seq of its main task. Comes before that task's kSettle.
//   kSettle, kInterrupt with reason 0xffffffff: a program cancelled it. hd_lisp_reason(seq of the fiber whose
//                             cancellation it was) -> 1, out: why, plain UTF-8; 0: nothing was said. Asked once.
//   hd_lisp_complete()     -> 0 wrong, 1 complete, 2 incomplete; buffer: wire string
//
// What programs ask of the host
//   hd_lisp_define()       -> number (64 and above) of the procedure; buffer: wire string, its name. 0: malformed.
//   kHostOp (run; a: op, b: fiber, c: procedure)  a fiber waits. `fiber` may be a light one that was never heard of;
//                             its nearest task is hd_lisp_task(fiber). hd_lisp_arguments(op) -> procedure (0: over),
//                             out: list of the arguments; keyword options come as one object, the last argument.
//                             JavaScript may run operations of its own on that fiber (hd_call, hd_delay, hd_wait ...;
//                             their kResume goes to JavaScript), then answers:
//   hd_lisp_reply(op, ok)  -> 1 taken, 0 the operation is over; buffer: wire value, or error (tag 13) if not ok
//   kHostOver (effect; a: op)  it is over without an answer (cancelled): forget it. The operations that JavaScript
//                             began on the fiber end as well, by kResume with code `cancelled`.
//   Built-in procedures: 1 llm.infer [prompt, options object {model, temperature, sample, maxTokens, timeout, system}]
//                        -> string (the text).
#include "heddle/lisp.h"

#include "instance.h"

#define HEDDLE_EXPORT(name) __attribute__((export_name(name)))

namespace heddle::wasm {

namespace {

struct Out {
  u32 address = 0;
  u32 length = 0;
};

std::string buffer;
Out out;

Lisp& the_lisp() {
  Instance& self = instance();
  if (self.lisp == nullptr) self.lisp = std::make_unique<Lisp>(drained());
  drained();
  return *self.lisp;
}

u32 told(u32 answer) {
  const std::string_view bytes = instance().lisp->out();
  out.address = static_cast<u32>(reinterpret_cast<std::uintptr_t>(bytes.data()));
  out.length = static_cast<u32>(bytes.size());
  return answer;
}

}  // namespace

}  // namespace heddle::wasm

using namespace heddle;
using namespace heddle::wasm;

extern "C" {
HEDDLE_EXPORT("hd_lisp_buffer") char* hd_lisp_buffer(u32 bytes) {
  // A large one is not kept for ever.
  if (bytes < 65536 && buffer.capacity() > 1048576) std::string().swap(buffer);
  buffer.resize(bytes);
  return buffer.data();
}
HEDDLE_EXPORT("hd_lisp_out") void* hd_lisp_out() { return &out; }
HEDDLE_EXPORT("hd_lisp_program") u32 hd_lisp_program(u32 parent, u32 bits, u32 shield) {
  return the_lisp().submit(parent, bits, shield, buffer);
}
HEDDLE_EXPORT("hd_lisp_result") u32 hd_lisp_result(u32 fiber) {
  return told(static_cast<u32>(the_lisp().result(fiber)));
}
HEDDLE_EXPORT("hd_lisp_spawned") u32 hd_lisp_spawned(u32 fiber) { return told(the_lisp().spawned(fiber) ? 1 : 0); }
HEDDLE_EXPORT("hd_lisp_define") u32 hd_lisp_define() { return the_lisp().define(buffer); }
HEDDLE_EXPORT("hd_lisp_arguments") u32 hd_lisp_arguments(u32 op) { return told(the_lisp().arguments(op)); }
HEDDLE_EXPORT("hd_lisp_reply") u32 hd_lisp_reply(u32 op, u32 ok) {
  return the_lisp().reply(op, ok != 0, buffer) ? 1 : 0;
}
HEDDLE_EXPORT("hd_lisp_output") void hd_lisp_output(u32 program) {
  the_lisp().output(program);
  told(0);
}
HEDDLE_EXPORT("hd_lisp_reason") u32 hd_lisp_reason(u32 seq) { return told(the_lisp().reason(seq) ? 1 : 0); }
HEDDLE_EXPORT("hd_lisp_complete") u32 hd_lisp_complete() { return static_cast<u32>(the_lisp().complete(buffer)); }
HEDDLE_EXPORT("hd_lisp_task") u32 hd_lisp_task(u32 fiber) { return drained().task_of(fiber); }
HEDDLE_EXPORT("hd_seq") u32 hd_seq(u32 fiber) { return drained().seq(fiber); }
}
