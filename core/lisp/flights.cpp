// Flights: computations that several fibers ask for by the same key and that are made once, and the values that are
// kept of them. What make-singleflight and memoize are made of; partner: prelude/singleflight.scm, which has the layout
// of the records.
//
// A flight is a fiber of its own, below nobody, so that it lives as long as somebody waits for it, whoever began it.
// The kernel knows who waits: no handler of a program's, and none that did not run, can make that wrong. Whoever's wait
// is over looks whether it was the last one.
//
// Invariant: a flight that stands in the table is under way, or has a value that is kept and stands in the list. The
// list is in order of the last use, the oldest first; without a limit nothing is moved, and it is in order of expiry.
#include "lisp/builtins/arguments.h"
#include "lisp/fibers.h"
#include "lisp/hash_table.h"

namespace heddle::lisp {

namespace {

// Fields of %flights.
enum : u32 { kFlightType, kTable, kTtl, kMost, kFirst, kLast, kKept };
// Fields of %flight. kUntil: #f, or when a value that came is void, in microseconds; #t: never.
enum : u32 { kFlights, kKey, kFiber, kUntil, kNext, kPrevious, kFlightFields };

Value& field(Value record, u32 index) { return as<Record>(record)->fields[index]; }
i64 number(Value record, u32 index) { return field(record, index).to_fixnum(); }

bool is_expired(Value flight, Time now) {
  const Value until = field(flight, kUntil);
  return until.is_fixnum() && until.to_fixnum() <= now;
}

void unlink(Heap& heap, Value flight) {
  const Value flights = field(flight, kFlights);
  const Value next = field(flight, kNext);
  const Value previous = field(flight, kPrevious);
  heap.write(previous == kFalse ? field(flights, kFirst) : field(previous, kNext), next);
  heap.write(next == kFalse ? field(flights, kLast) : field(next, kPrevious), previous);
  heap.write(field(flights, kKept), Value::fixnum(number(flights, kKept) - 1));
}

void append(Heap& heap, Value flight) {
  const Value flights = field(flight, kFlights);
  const Value last = field(flights, kLast);
  heap.write(field(flight, kPrevious), last);
  heap.write(field(flight, kNext), kFalse);
  heap.write(last == kFalse ? field(flights, kFirst) : field(last, kNext), flight);
  heap.write(field(flights, kLast), flight);
  heap.write(field(flights, kKept), Value::fixnum(number(flights, kKept) + 1));
}

// The flight that a fiber runs in: who begins one gives it a binding of the flights' record type, which no program has.
Value flight_of(Machine& machine, Value type) {
  u64 looked_at = 0;
  Value found = kFalse;
  for (Value at = machine.current().parameters; at.is_pair(); at = cdr(at), ++looked_at) {
    if (car(car(at)) != type) continue;
    found = cdr(car(at));
    break;
  }
  charge_items(machine, looked_at);
  return found;
}

}  // namespace

// Nobody finds it any more, unless another has come in its place.
void Programs::forget_flight(Value flight) {
  Heap& heap = machine_.heap();
  const Value flights = field(flight, kFlights);
  const Value table = field(flights, kTable);
  u64 work = 0;
  if (field(flight, kUntil) != kFalse) {
    unlink(heap, flight);
    heap.write(field(flight, kUntil), kFalse);
  }
  if (hash_table_get(table, field(flight, kKey), kFalse, &work) == flight) {
    hash_table_remove(heap, table, field(flight, kKey), &work);
  }
  machine_.charge(work / 2);
}

const Fiber& Programs::fiber_of_flight(Value flight) { return *as<Fiber>(field(flight, kFiber)); }

// Whether the fiber goes on and somebody waits for it: who was cancelled does not, also before its next turn.
bool Programs::is_under_way(Value flight) const {
  const Fiber& fiber = fiber_of_flight(flight);
  return standing(fiber) == Standing::kLive && kernel_.is_awaited(fiber.id);
}

// A wait for it is over.
void Programs::leave_flight(Value flight) {
  if (field(flight, kUntil) != kFalse || is_under_way(flight)) return;
  forget_flight(flight);
  const Fiber& fiber = fiber_of_flight(flight);
  if (standing(fiber) == Standing::kLive) kernel_.cancel(fiber.id);
}

Value Programs::fly(Value flights, Value key, Value thunk) {
  if (is_interrupted()) return interrupted();
  Heap& heap = machine_.heap();
  const Value type = field(flights, kFlightType);
  const Value table = field(flights, kTable);
  u64 work = 8;
  Value flight = hash_table_get(table, key, kFalse, &work);
  machine_.charge(work / 2);
  if (flight != kFalse) {
    const Fiber& fiber = fiber_of_flight(flight);
    if (flight_of(machine_, type) == flight && standing(fiber) == Standing::kLive) {
      return machine_.error("SingleflightError", "the computation of " + shown(key) + " asks for itself", {key});
    }
    const bool is_kept = field(flight, kUntil) != kFalse && !is_expired(flight, kernel_.now());
    if (is_kept && standing(fiber) == Standing::kCompleted) {
      if (field(flights, kMost) != kFalse) {
        unlink(heap, flight);
        append(heap, flight);
      }
      return fiber.result;
    }
    // One with a value is about to end.
    if (!is_under_way(flight) && !(is_kept && standing(fiber) == Standing::kLive)) {
      forget_flight(flight);
      leave_flight(flight);
      flight = kFalse;
    }
  }
  if (flight == kFalse) {
    auto* record = heap.make<Record>(Type::kRecord, Record::size(kFlightFields), kFlightFields);
    record->type = type;
    for (u32 i = 0; i < kFlightFields; ++i) record->fields[i] = kFalse;
    record->fields[kFlights] = flights;
    record->fields[kKey] = key;
    flight = Value::object(record);
    if (!hash_table_set(machine_, table, key, flight)) return kRaised;
    SubmitRequest request;
    request.kind = FiberKind::kFiber;
    request.detached = true;
    request.leaves_children = true;
    const Value spawned = spawn(request, thunk, kFalse);
    if (spawned == kRaised) {
      hash_table_remove(heap, table, key);
      return kRaised;
    }
    heap.write(field(flight, kFiber), spawned);
    // One binding is enough: a chain of flights that wait for each other does not grow.
    Value outer = as<Fiber>(spawned)->parameters;
    if (outer.is_pair() && car(car(outer)) == type) outer = cdr(outer);
    heap.write(as<Fiber>(spawned)->parameters, heap.cons(heap.cons(type, flight), outer));
  }
  const FiberId id = as<Fiber>(field(flight, kFiber))->id;
  const Value parked = park(kernel_.wait(current_id(), WaitMode::kAll, &id, 1), Resume::kAwait, flight);
  if (parked != kParked) leave_flight(flight);
  return parked;
}

// The fiber that runs is about to give that value; it is kept from now on.
Value Programs::land(Value flights, Value value) {
  Heap& heap = machine_.heap();
  const Value flight = flight_of(machine_, field(flights, kFlightType));
  const bool is_its_own = flight != kFalse && field(flight, kFiber) == Value::object(&machine_.current());
  if (!is_its_own || field(flight, kFlights) != flights || is_interrupted()) return value;
  if (field(flight, kUntil) != kFalse) return value;
  const Value ttl = field(flights, kTtl);
  const Time now = kernel_.now();
  heap.write(field(flight, kUntil), ttl == kTrue ? kTrue : Value::fixnum(now + ttl.to_fixnum()));
  append(heap, flight);
  const Value most = field(flights, kMost);
  for (Value first = field(flights, kFirst); first != flight; first = field(flights, kFirst)) {
    if (!is_expired(first, now) && (most == kFalse || number(flights, kKept) <= most.to_fixnum())) break;
    forget_flight(first);
  }
  return value;
}

}  // namespace heddle::lisp
