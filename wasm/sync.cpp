// The data plane's half for the objects at which fibers wait for each other: one call an operation. What an operation
// that is done at once got stands in the status words when it returns.
//
// Partners: pump.cpp, whose rules hold here; js/src/sync/objects.ts.
#include "instance.h"

#define HEDDLE_EXPORT(name) __attribute__((export_name(name)))

using namespace heddle;
using heddle::wasm::drained;
using heddle::wasm::from_ms;
using heddle::wasm::instance;

namespace {

i32 told(Kernel& kernel, i32 answer) {
  if (answer > 0) return answer;
  const SyncResult& result = kernel.sync_result();
  heddle::wasm::Status& status = instance().status;
  status.index = result.index;
  status.value = result.value;
  status.closed = result.is_closed ? 1 : 0;
  return answer;
}

}  // namespace

extern "C" {

HEDDLE_EXPORT("hd_object") u32 hd_object(u32 kind, u32 limit, u32 overflow) {
  return drained().make_object(static_cast<SyncKind>(kind), limit, static_cast<SyncOverflow>(overflow));
}
HEDDLE_EXPORT("hd_object_release") void hd_object_release(u32 object) { drained().release_object(object); }
HEDDLE_EXPORT("hd_object_count") u32 hd_object_count(u32 object) { return drained().object_count(object); }
HEDDLE_EXPORT("hd_object_holder") u32 hd_object_holder(u32 object) { return drained().holder(object); }

HEDDLE_EXPORT("hd_sync")
i32 hd_sync(u32 fiber, u32 act, u32 object, u32 value, double timeout, u32 shield, u32 may_wait) {
  Kernel& kernel = drained();
  const SyncCase one{static_cast<SyncAct>(act), object, value};
  return told(kernel, kernel.sync(fiber, one, may_wait != 0, from_ms(timeout), shield));
}
// One case more of the next hd_select.
HEDDLE_EXPORT("hd_case") void hd_case(u32 act, u32 object, u32 value) {
  instance().cases.push_back({static_cast<SyncAct>(act), object, value});
}
HEDDLE_EXPORT("hd_select") i32 hd_select(u32 fiber, double timeout, u32 shield, u32 may_wait) {
  Kernel& kernel = drained();
  std::vector<SyncCase>& cases = instance().cases;
  const i32 answer = told(kernel, kernel.select(fiber, cases.data(), static_cast<u32>(cases.size()), may_wait != 0,
                                                from_ms(timeout), shield));
  cases.clear();
  return answer;
}
HEDDLE_EXPORT("hd_at_rest") u32 hd_at_rest() { return drained().is_at_rest() ? 1 : 0; }
// See Kernel::break_deadlock.
HEDDLE_EXPORT("hd_break_deadlock") u32 hd_break_deadlock() { return drained().break_deadlock(); }
HEDDLE_EXPORT("hd_sync_now") i32 hd_sync_now(u32 fiber, u32 what, u32 object, u32 value) {
  return drained().sync_now(fiber, static_cast<SyncDo>(what), object, value);
}
}
