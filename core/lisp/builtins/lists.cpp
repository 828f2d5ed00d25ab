// Pairs and lists (R7RS 6.4), and what of SRFI 1 calls no procedure back; the rest is in prelude/lists.scm.
//
// Long because the standard has many of them, none of which has much to itself.
//
// Invariant: every loop over a program's list ends, also where the list is circular (ListWalk), and none builds
// anything from a list before it is known to be proper.
#include <array>
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/equality.h"
#include "lisp/numbers/numbers.h"

namespace heddle::lisp {
namespace {

// --- Pairs

Value cons(Machine& machine, const Value* arguments, u32) { return machine.heap().cons(arguments[0], arguments[1]); }

// The path of c[ad]+r in bits, the last letter first: 0 for a, 1 for d, above them a 1. "cadr" is 1 0 1.
[[gnu::noinline]] Value follow(Machine& machine, Value argument, u32 whole_path) {
  Value value = argument;
  for (u32 path = whole_path; path != 1; path >>= 1) {
    if (!value.is_pair()) {
      std::string name = "r";
      for (u32 letters = whole_path; letters != 1; letters >>= 1) name.insert(0, (letters & 1) != 0 ? "d" : "a");
      name.insert(0, "c");
      const std::string_view expected = whole_path < 4 ? "a pair" : "a deep enough pair";
      return machine.type_error(name, 1, expected, argument);
    }
    value = (path & 1) != 0 ? cdr(value) : car(value);
  }
  return value;
}

// One walk for all: unrolled for each path, with its message, they were 17 KB of WebAssembly.
template <u32 kPath>
Value cxr(Machine& machine, const Value* arguments, u32) {
  return follow(machine, arguments[0], kPath);
}

Value set_car(Machine& machine, const Value* arguments, u32) {
  if (!arguments[0].is_pair()) return machine.type_error("set-car!", 1, "a pair", arguments[0]);
  machine.heap().write(arguments[0].to_pair()->car, arguments[1]);
  return kUnspecified;
}

Value set_cdr(Machine& machine, const Value* arguments, u32) {
  if (!arguments[0].is_pair()) return machine.type_error("set-cdr!", 1, "a pair", arguments[0]);
  machine.heap().write(arguments[0].to_pair()->cdr, arguments[1]);
  return kUnspecified;
}

Value pair_is(Machine&, const Value* arguments, u32) { return Value::boolean(arguments[0].is_pair()); }

Value null_is(Machine&, const Value* arguments, u32) { return Value::boolean(arguments[0].is_nil()); }

Value list_is(Machine& machine, const Value* arguments, u32) {
  ListWalk walk(arguments[0]);
  while (walk.at_pair()) walk.advance();
  charge_items(machine, walk.count());
  return Value::boolean(walk.at_end());
}

// --- Making lists

Value list(Machine& machine, const Value* arguments, u32 count) {
  Value result = kNil;
  for (u32 index = count; index > 0; --index) result = machine.heap().cons(arguments[index - 1], result);
  return result;
}

Value cons_star(Machine& machine, const Value* arguments, u32 count) {
  Value result = arguments[count - 1];
  for (u32 index = count - 1; index > 0; --index) result = machine.heap().cons(arguments[index - 1], result);
  return result;
}

Value make_list(Machine& machine, const Value* arguments, u32 count) {
  u32 size = 0;
  if (!size_argument(machine, "make-list", arguments, 0, sizeof(Pair), size)) return kRaised;
  Value result = kNil;
  for (u32 index = 0; index < size; ++index)
    result = machine.heap().cons(count > 1 ? arguments[1] : kUnspecified, result);
  return result;
}

// (iota count [start [step]]): start + i * step, computed so, not by adding up.
Value iota(Machine& machine, const Value* arguments, u32 count) {
  u32 size = 0;
  if (!size_argument(machine, "iota", arguments, 0, sizeof(Pair), size)) return kRaised;
  const Value start = count > 1 ? arguments[1] : Value::fixnum(0);
  const Value step = count > 2 ? arguments[2] : Value::fixnum(1);
  for (u32 index = 1; index < count; ++index) {
    if (!is_number(arguments[index])) return machine.type_error("iota", index + 1, "a number", arguments[index]);
  }
  Value result = kNil;
  for (u32 index = size; index > 0; --index) {
    const Value distance = multiply(machine, Value::fixnum(index - 1), step);
    if (distance.is_signal()) return distance;
    const Value item = add(machine, start, distance);
    if (item.is_signal()) return item;
    result = machine.heap().cons(item, result);
  }
  return result;
}

// A copy of `length` pairs of a list, and a tail.
Value copy_onto(Machine& machine, Value from, u64 length, Value tail) {
  ListBuilder builder(machine.heap());
  for (; length > 0; --length, from = cdr(from)) builder.add(car(from));
  return builder.list(tail);
}

// An improper tail is kept; a circular list has no end to copy to.
Value list_copy(Machine& machine, const Value* arguments, u32) {
  ListWalk walk(arguments[0]);
  while (walk.at_pair()) walk.advance();
  if (walk.is_circular()) return not_a_list(machine, "list-copy", 0, arguments[0]);
  charge_items(machine, 2 * walk.count());
  if (!room(machine, "list-copy", walk.count() * sizeof(Pair))) return kRaised;
  return copy_onto(machine, arguments[0], walk.count(), walk.at());
}

Value append_lists(Machine& machine, std::string_view name, const Value* arguments, u32 count) {
  if (count == 0) return kNil;
  Value result = arguments[count - 1];
  for (u32 index = count - 1; index > 0; --index) {
    u64 length = 0;
    if (!list_argument(machine, name, arguments, index - 1, length) || !room(machine, name, length * sizeof(Pair))) {
      return kRaised;
    }
    charge_items(machine, length);
    result = copy_onto(machine, arguments[index - 1], length, result);
  }
  return result;
}

Value append(Machine& machine, const Value* arguments, u32 count) {
  return append_lists(machine, "append", arguments, count);
}

Value concatenate(Machine& machine, const Value* arguments, u32) {
  u64 length = 0;
  if (!list_argument(machine, "concatenate", arguments, 0, length)) return kRaised;
  std::vector<Value> lists;
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) lists.push_back(car(at));
  return append_lists(machine, "concatenate", lists.data(), static_cast<u32>(lists.size()));
}

Value last_pair_of(Value list) {
  while (cdr(list).is_pair()) list = cdr(list);
  return list;
}

// All are looked at before any is changed, and once more after: the same list given twice is circular by then.
Value append_in_place(Machine& machine, const Value* arguments, u32 count) {
  u64 length = 0;
  for (u32 index = 0; index + 1 < count; ++index) {
    if (!list_argument(machine, "append!", arguments, index, length)) return kRaised;
  }
  Value result = count > 0 ? arguments[count - 1] : kNil;
  for (u32 index = count; index > 1; --index) {
    const Value head = arguments[index - 2];
    if (head.is_nil()) continue;
    if (!list_argument(machine, "append!", arguments, index - 2, length)) return kRaised;
    machine.heap().write(last_pair_of(head).to_pair()->cdr, result);
    result = head;
  }
  return result;
}

Value reverse_onto(Machine& machine, std::string_view name, const Value* arguments, Value tail) {
  u64 length = 0;
  if (!list_argument(machine, name, arguments, 0, length) || !room(machine, name, length * sizeof(Pair))) {
    return kRaised;
  }
  charge_items(machine, length);
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at)) tail = machine.heap().cons(car(at), tail);
  return tail;
}

Value reverse(Machine& machine, const Value* arguments, u32) {
  return reverse_onto(machine, "reverse", arguments, kNil);
}

Value append_reverse(Machine& machine, const Value* arguments, u32) {
  return reverse_onto(machine, "append-reverse", arguments, arguments[1]);
}

Value reverse_in_place(Machine& machine, const Value* arguments, u32) {
  u64 length = 0;
  if (!list_argument(machine, "reverse!", arguments, 0, length)) return kRaised;
  charge_items(machine, length);
  Value result = kNil;
  for (Value at = arguments[0]; at.is_pair();) {
    const Value next = cdr(at);
    machine.heap().write(at.to_pair()->cdr, result);
    result = at;
    at = next;
  }
  return result;
}

// --- Places in lists

Value length(Machine& machine, const Value* arguments, u32) {
  u64 length = 0;
  if (!list_argument(machine, "length", arguments, 0, length)) return kRaised;
  return Value::fixnum(static_cast<i64>(length));
}

// No list is longer, whatever the heap's limit; a circular one is not walked for longer.
constexpr u64 kMaxLength = u64{1} << 26;

// Goes `arguments[1]` pairs down the list; `wants_pair`: a pair must be there.
bool descend(Machine& machine, std::string_view name, const Value* arguments, bool wants_pair, Value& at) {
  u64 count = 0;
  if (!integer_argument(machine, name, arguments, 1, "an index", kMaxLength, count)) return false;
  at = arguments[0];
  u64 index = 0;
  for (; index < count && at.is_pair(); ++index) at = cdr(at);
  charge_items(machine, index);
  if (index == count && (at.is_pair() || !wants_pair)) return true;
  if (!arguments[0].is_pair() && !arguments[0].is_nil()) {
    machine.type_error(name, 1, "a list", arguments[0]);
  } else {
    const std::string limit = std::to_string(index);
    machine.range_error(name, 2, (wants_pair ? "an index below " : "at most ") + limit, arguments[1]);
  }
  return false;
}

Value list_tail(Machine& machine, const Value* arguments, u32) {
  Value at;
  return descend(machine, "list-tail", arguments, false, at) ? at : kRaised;
}

Value drop(Machine& machine, const Value* arguments, u32) {
  Value at;
  return descend(machine, "drop", arguments, false, at) ? at : kRaised;
}

Value list_ref(Machine& machine, const Value* arguments, u32) {
  Value at;
  return descend(machine, "list-ref", arguments, true, at) ? car(at) : kRaised;
}

Value list_set(Machine& machine, const Value* arguments, u32) {
  Value at;
  if (!descend(machine, "list-set!", arguments, true, at)) return kRaised;
  machine.heap().write(at.to_pair()->car, arguments[2]);
  return kUnspecified;
}

// The first `count` items; the list is known to have them.
Value head_of(Machine& machine, std::string_view name, Value list, u64 count) {
  if (!room(machine, name, count * sizeof(Pair))) return kRaised;
  charge_items(machine, count);
  return copy_onto(machine, list, count, kNil);
}

Value take(Machine& machine, const Value* arguments, u32) {
  Value at;
  if (!descend(machine, "take", arguments, false, at)) return kRaised;
  return head_of(machine, "take", arguments[0], static_cast<u64>(arguments[1].to_fixnum()));
}

// How many items are in front of the last `arguments[1]` ones.
bool from_the_right(Machine& machine, std::string_view name, const Value* arguments, u64& front) {
  u64 length = 0;
  u64 count = 0;
  if (!list_argument(machine, name, arguments, 0, length) ||
      !integer_argument(machine, name, arguments, 1, "a count", length, count)) {
    return false;
  }
  front = length - count;
  return true;
}

Value take_right(Machine& machine, const Value* arguments, u32) {
  u64 front = 0;
  if (!from_the_right(machine, "take-right", arguments, front)) return kRaised;
  Value at = arguments[0];
  for (; front > 0; --front) at = cdr(at);
  return at;
}

Value drop_right(Machine& machine, const Value* arguments, u32) {
  u64 front = 0;
  if (!from_the_right(machine, "drop-right", arguments, front)) return kRaised;
  return head_of(machine, "drop-right", arguments[0], front);
}

// The last pair of a list that has one and an end.
bool last_of(Machine& machine, std::string_view name, const Value* arguments, Value& pair) {
  ListWalk walk(arguments[0]);
  for (; walk.at_pair(); walk.advance()) pair = walk.at();
  charge_items(machine, walk.count());
  if (walk.count() > 0 && !walk.is_circular()) return true;
  machine.type_error(name, 1, "a list that has a last pair", arguments[0]);
  return false;
}

Value last_pair(Machine& machine, const Value* arguments, u32) {
  Value pair;
  return last_of(machine, "last-pair", arguments, pair) ? pair : kRaised;
}

Value last(Machine& machine, const Value* arguments, u32) {
  Value pair;
  return last_of(machine, "last", arguments, pair) ? car(pair) : kRaised;
}

template <u32 kIndex>
Value nth(Machine& machine, const Value* arguments, u32) {
  constexpr std::array kNames = {"first", "second", "third", "fourth", "fifth"};
  Value at = arguments[0];
  for (u32 index = 0; index < kIndex && at.is_pair(); ++index) at = cdr(at);
  if (at.is_pair()) return car(at);
  return machine.type_error(kNames[kIndex], 1, "a list of at least " + std::to_string(kIndex + 1), arguments[0]);
}

// --- Searching

// `work` grows by what comparing took.
using Same = bool (*)(Value first, Value second, u64* work);

bool same_object(Value first, Value second, u64*) { return first == second; }
bool same_number(Value first, Value second, u64*) { return is_eqv(first, second); }

// The pair of the list whose item (with `in_entries`, the key in it) is the same as the first argument; #f if none is.
Value search(Machine& machine, std::string_view name, const Value* arguments, Same same, bool in_entries) {
  u64 work = 0;
  Value found = kFalse;
  ListWalk walk(arguments[1]);
  for (; walk.at_pair(); walk.advance()) {
    const Value item = walk.item();
    if (in_entries && !item.is_pair()) return machine.type_error(name, 2, "a list of pairs", arguments[1]);
    if (!same(arguments[0], in_entries ? car(item) : item, &work)) continue;
    found = in_entries ? item : walk.at();
    break;
  }
  machine.charge(work);
  charge_items(machine, walk.count());
  if (found.is_true() || walk.at_end()) return found;
  return not_a_list(machine, name, 1, arguments[1]);
}

Value memq(Machine& machine, const Value* arguments, u32) {
  return search(machine, "memq", arguments, same_object, false);
}
Value memv(Machine& machine, const Value* arguments, u32) {
  return search(machine, "memv", arguments, same_number, false);
}
Value member(Machine& machine, const Value* arguments, u32) {
  return search(machine, "member", arguments, is_equal, false);
}
Value assq(Machine& machine, const Value* arguments, u32) {
  return search(machine, "assq", arguments, same_object, true);
}
Value assv(Machine& machine, const Value* arguments, u32) {
  return search(machine, "assv", arguments, same_number, true);
}
Value assoc(Machine& machine, const Value* arguments, u32) {
  return search(machine, "assoc", arguments, is_equal, true);
}

// (%delete item list): a list without what is equal to the item.
Value remove_equal(Machine& machine, const Value* arguments, u32) {
  u64 length = 0;
  if (!list_argument(machine, "delete", arguments, 1, length) || !room(machine, "delete", length * sizeof(Pair))) {
    return kRaised;
  }
  u64 work = 0;
  ListBuilder builder(machine.heap());
  for (Value at = arguments[1]; at.is_pair(); at = cdr(at)) {
    if (!is_equal(arguments[0], car(at), &work)) builder.add(car(at));
  }
  machine.charge(work);
  return builder.list();
}

// --- For preludes

// (%type-error 'name index "expected" got), (%range-error ...): raise what a builtin of that name would.
Value raise_type_error(Machine& machine, const Value* arguments, u32) {
  return machine.type_error(text_of(arguments[0]), static_cast<u32>(arguments[1].to_fixnum()), text_of(arguments[2]),
                            arguments[3]);
}

Value raise_range_error(Machine& machine, const Value* arguments, u32) {
  return machine.range_error(text_of(arguments[0]), static_cast<u32>(arguments[1].to_fixnum()), text_of(arguments[2]),
                             arguments[3]);
}

// (%unzip lists last 'name): where every list has a pair, (cars . cdrs), the cars followed by the list `last`; #f where
// one is at its end. The lists are the arguments of that procedure from its second on.
Value unzip(Machine& machine, const Value* arguments, u32) {
  ListBuilder cars(machine.heap());
  ListBuilder cdrs(machine.heap());
  u32 index = 1;
  for (Value at = arguments[0]; at.is_pair(); at = cdr(at), ++index) {
    const Value list = car(at);
    if (list.is_nil()) return kFalse;
    if (!list.is_pair()) return not_a_list(machine, text_of(arguments[2]), index, list);
    cars.add(car(list));
    cdrs.add(cdr(list));
  }
  machine.charge(index);
  return machine.heap().cons(cars.list(arguments[1]), cdrs.list());
}

// (%check-end at 'name index list): a loop over the list, an argument of that procedure, has come to something that is
// no pair: a TypeError unless it is the end.
Value check_end(Machine& machine, const Value* arguments, u32) {
  if (arguments[0].is_nil()) return kUnspecified;
  return not_a_list(machine, text_of(arguments[1]), static_cast<u32>(arguments[2].to_fixnum()) - 1, arguments[3]);
}

// (%length list 'name index): the length of that procedure's argument.
Value checked_length(Machine& machine, const Value* arguments, u32) {
  ListWalk walk(arguments[0]);
  while (walk.at_pair()) walk.advance();
  charge_items(machine, walk.count());
  if (walk.at_end()) return Value::fixnum(static_cast<i64>(walk.count()));
  return not_a_list(machine, text_of(arguments[1]), static_cast<u32>(arguments[2].to_fixnum()) - 1, arguments[0]);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%assoc", assoc, 2, 2},
    {"%check-end", check_end, 4, 4},
    {"%delete", remove_equal, 2, 2},
    {"%length", checked_length, 3, 3},
    {"%member", member, 2, 2},
    {"%range-error", raise_range_error, 4, 4},
    {"%type-error", raise_type_error, 4, 4},
    {"%unzip", unzip, 3, 3},
    {"append!", append_in_place, 0, kAnyCount},
    {"append", append, 0, kAnyCount},
    {"append-reverse", append_reverse, 2, 2},
    {"assq", assq, 2, 2},
    {"assv", assv, 2, 2},
    {"caaaar", cxr<16>, 1, 1},
    {"caaadr", cxr<17>, 1, 1},
    {"caaar", cxr<8>, 1, 1},
    {"caadar", cxr<18>, 1, 1},
    {"caaddr", cxr<19>, 1, 1},
    {"caadr", cxr<9>, 1, 1},
    {"caar", cxr<4>, 1, 1},
    {"cadaar", cxr<20>, 1, 1},
    {"cadadr", cxr<21>, 1, 1},
    {"cadar", cxr<10>, 1, 1},
    {"caddar", cxr<22>, 1, 1},
    {"cadddr", cxr<23>, 1, 1},
    {"caddr", cxr<11>, 1, 1},
    {"cadr", cxr<5>, 1, 1},
    {"car", cxr<2>, 1, 1},
    {"cdaaar", cxr<24>, 1, 1},
    {"cdaadr", cxr<25>, 1, 1},
    {"cdaar", cxr<12>, 1, 1},
    {"cdadar", cxr<26>, 1, 1},
    {"cdaddr", cxr<27>, 1, 1},
    {"cdadr", cxr<13>, 1, 1},
    {"cdar", cxr<6>, 1, 1},
    {"cddaar", cxr<28>, 1, 1},
    {"cddadr", cxr<29>, 1, 1},
    {"cddar", cxr<14>, 1, 1},
    {"cdddar", cxr<30>, 1, 1},
    {"cddddr", cxr<31>, 1, 1},
    {"cdddr", cxr<15>, 1, 1},
    {"cddr", cxr<7>, 1, 1},
    {"cdr", cxr<3>, 1, 1},
    {"concatenate", concatenate, 1, 1},
    {"cons", cons, 2, 2},
    {"cons*", cons_star, 1, kAnyCount},
    {"drop", drop, 2, 2},
    {"drop-right", drop_right, 2, 2},
    {"fifth", nth<4>, 1, 1},
    {"first", nth<0>, 1, 1},
    {"fourth", nth<3>, 1, 1},
    {"iota", iota, 1, 3},
    {"last", last, 1, 1},
    {"last-pair", last_pair, 1, 1},
    {"length", length, 1, 1},
    {"list", list, 0, kAnyCount},
    {"list*", cons_star, 1, kAnyCount},
    {"list-copy", list_copy, 1, 1},
    {"list-ref", list_ref, 2, 2},
    {"list-set!", list_set, 3, 3},
    {"list-tail", list_tail, 2, 2},
    {"list?", list_is, 1, 1},
    {"make-list", make_list, 1, 2},
    {"memq", memq, 2, 2},
    {"memv", memv, 2, 2},
    {"null?", null_is, 1, 1},
    {"pair?", pair_is, 1, 1},
    {"reverse!", reverse_in_place, 1, 1},
    {"reverse", reverse, 1, 1},
    {"second", nth<1>, 1, 1},
    {"set-car!", set_car, 2, 2},
    {"set-cdr!", set_cdr, 2, 2},
    {"take", take, 2, 2},
    {"take-right", take_right, 2, 2},
    {"third", nth<2>, 1, 1},
};

}  // namespace

void define_lists(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
