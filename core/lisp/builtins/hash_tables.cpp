// Hash tables under the names of SRFI 69, and what SRFI 125 adds to them that programs use. What calls procedures back
// more than once is in prelude/hash_tables.scm.
//
// The order of keys, values and associations is that of insertion. Tables compare by eq?, eqv?, equal? or string=?; a
// hash function may be given and is not called: the table has its own.
// A procedure that goes through a table works on the associations that it had at the beginning; the table may be
// changed meanwhile.
#include "lisp/hash_table.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/equality.h"
#include "lisp/expander/environment.h"
#include "lisp/heap/symbols.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {
namespace {

struct Equivalence {
  std::string_view name;
  TableKind kind;
};
// The first of a kind names it.
constexpr Equivalence kEquivalences[] = {
    {"eq?", TableKind::kEq},        {"eqv?", TableKind::kEqv},
    {"equal?", TableKind::kEqual},  {"string=?", TableKind::kString},
    {"symbol=?", TableKind::kEq},   {"char=?", TableKind::kEqv},
    {"boolean=?", TableKind::kEqv}, {"exact-integer=?", TableKind::kEqv},
};

bool table_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index = 0) {
  return type_argument(machine, name, arguments, index, Type::kHashTable, "a hash table");
}

// A key that this table can have.
bool key_argument(Machine& machine, std::string_view name, Value table, const Value* arguments, u32 index) {
  if (kind_of(table) != TableKind::kString || is_string(arguments[index])) return true;
  machine.type_error(name, index + 1, "a string, as this table compares by string=?", arguments[index]);
  return false;
}

// A table and a key of it.
bool lookup_arguments(Machine& machine, std::string_view name, const Value* arguments) {
  return table_argument(machine, name, arguments) && key_argument(machine, name, arguments[0], arguments, 1);
}

Value name_of_builtin(Value procedure) {
  return is_a(procedure, Type::kBuiltin) ? as<Builtin>(procedure)->name : kFalse;
}

bool equivalence_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, TableKind& out) {
  const Value given = name_of_builtin(arguments[index]);
  for (const Equivalence& equivalence : kEquivalences) {
    if (given != machine.heap().symbol(equivalence.name)) continue;
    out = equivalence.kind;
    return true;
  }
  machine.type_error(name, index + 1, "eq?, eqv?, equal? or string=?", arguments[index]);
  return false;
}

bool is_keyword(Value value) {
  if (!is_symbol(value)) return false;
  const auto* text = as<String>(as<Symbol>(value)->name);
  return text->length > 1 && char_at(text, 0) == ':';
}

// (make-hash-table [equivalence [hash]] [:size entries])
Value make(Machine& machine, const Value* arguments, u32 count) {
  TableKind kind = TableKind::kEqual;
  u32 capacity = 0;
  u32 index = 0;
  for (; index < count && !is_keyword(arguments[index]); ++index) {
    if (index == 0 && !equivalence_argument(machine, "make-hash-table", arguments, 0, kind)) return kRaised;
    if (index == 2) return machine.type_error("make-hash-table", 3, "a keyword", arguments[2]);
  }
  for (; index < count; index += 2) {
    if (arguments[index] != machine.heap().symbol(":size") || index + 1 == count) {
      return machine.type_error("make-hash-table", index + 1, ":size and a number of entries", arguments[index]);
    }
    if (!size_argument(machine, "make-hash-table", arguments, index + 1, 40, capacity)) return kRaised;
  }
  charge_items(machine, capacity);
  return make_hash_table(machine.heap(), kind, capacity);
}

bool put(Machine& machine, std::string_view name, Value table, Value key, Value value) {
  u64 work = 0;
  const bool is_put = hash_table_put(machine.heap(), table, key, value, &work);
  machine.charge(work / 2);
  if (!is_put) machine.heap_error(name, 2 * bytes_of_copy(table));
  return is_put;
}

// Arguments from `index` on are keys and values in turn.
bool put_all(Machine& machine, std::string_view name, Value table, const Value* arguments, u32 count, u32 index) {
  if ((count - index) % 2 != 0) {
    machine.error("ArityError", std::string(name) + ": a key without a value", {arguments[count - 1]});
    return false;
  }
  for (; index < count; index += 2) {
    if (!key_argument(machine, name, table, arguments, index) ||
        !put(machine, name, table, arguments[index], arguments[index + 1])) {
      return false;
    }
  }
  return true;
}

Value literal(Machine& machine, const Value* arguments, u32 count) {
  const Value table = make_hash_table(machine.heap(), TableKind::kEqual, count / 2);
  return put_all(machine, "hash-table", table, arguments, count, 0) ? table : kRaised;
}

Value from_alist(Machine& machine, const Value* arguments, u32 count) {
  TableKind kind = TableKind::kEqual;
  u64 length = 0;
  if (!list_argument(machine, "alist->hash-table", arguments, 0, length) ||
      (count > 1 && !equivalence_argument(machine, "alist->hash-table", arguments, 1, kind))) {
    return kRaised;
  }
  charge_items(machine, length);
  const Value table = make_hash_table(machine.heap(), kind);
  for (Value rest = arguments[0]; rest.is_pair(); rest = cdr(rest)) {
    const Value entry = car(rest);
    if (!entry.is_pair()) return machine.type_error("alist->hash-table", 1, "a list of pairs", arguments[0]);
    const Value key = car(entry);
    if (!key_argument(machine, "alist->hash-table", table, &key, 0)) return kRaised;
    // As with assoc, the first one counts.
    u64 work = 0;
    if (hash_table_get(table, key, kUndefined, &work) != kUndefined) continue;
    machine.charge(work / 2);
    if (!put(machine, "alist->hash-table", table, key, cdr(entry))) return kRaised;
  }
  return table;
}

Value is_table(Machine&, const Value* arguments, u32) { return Value::boolean(is_a(arguments[0], Type::kHashTable)); }

Value get(Machine& machine, Value table, Value key, Value otherwise) {
  u64 work = 0;
  const Value value = hash_table_get(table, key, otherwise, &work);
  machine.charge(work / 2);
  return value;
}

// (hash-table-ref table key [fail [succeed]])
Value ref(Machine& machine, const Value* arguments, u32 count) {
  if (!lookup_arguments(machine, "hash-table-ref", arguments)) return kRaised;
  const Value value = get(machine, arguments[0], arguments[1], kUndefined);
  if (value != kUndefined) return count > 3 ? machine.tail_call(arguments[3], &value, 1) : value;
  if (count > 2 && arguments[2].is_true()) return machine.tail_call(arguments[2], nullptr, 0);
  return machine.error("RangeError", "hash-table-ref: the table has no such key", {arguments[1]});
}

Value ref_default(Machine& machine, const Value* arguments, u32) {
  if (!lookup_arguments(machine, "hash-table-ref/default", arguments)) return kRaised;
  return get(machine, arguments[0], arguments[1], arguments[2]);
}

Value has(Machine& machine, const Value* arguments, u32) {
  if (!lookup_arguments(machine, "hash-table-contains?", arguments)) return kRaised;
  return Value::boolean(get(machine, arguments[0], arguments[1], kUndefined) != kUndefined);
}

Value set(Machine& machine, const Value* arguments, u32 count) {
  if (!table_argument(machine, "hash-table-set!", arguments)) return kRaised;
  return put_all(machine, "hash-table-set!", arguments[0], arguments, count, 1) ? kUnspecified : kRaised;
}

// Gives how many keys were there.
Value remove(Machine& machine, const Value* arguments, u32 count) {
  if (!table_argument(machine, "hash-table-delete!", arguments)) return kRaised;
  i64 removed = 0;
  u64 work = 0;
  for (u32 i = 1; i < count; ++i) {
    if (!key_argument(machine, "hash-table-delete!", arguments[0], arguments, i)) return kRaised;
    if (hash_table_remove(machine.heap(), arguments[0], arguments[i], &work)) ++removed;
  }
  machine.charge(work / 2);
  return Value::fixnum(removed);
}

Value size(Machine& machine, const Value* arguments, u32) {
  if (!table_argument(machine, "hash-table-size", arguments)) return kRaised;
  return Value::fixnum(hash_table_size(arguments[0]));
}

Value is_empty(Machine& machine, const Value* arguments, u32) {
  if (!table_argument(machine, "hash-table-empty?", arguments)) return kRaised;
  return Value::boolean(hash_table_size(arguments[0]) == 0);
}

Value clear(Machine& machine, const Value* arguments, u32) {
  if (!table_argument(machine, "hash-table-clear!", arguments)) return kRaised;
  hash_table_clear(machine.heap(), arguments[0]);
  return kUnspecified;
}

Value copy(Machine& machine, const Value* arguments, u32) {
  if (!table_argument(machine, "hash-table-copy", arguments) ||
      !room(machine, "hash-table-copy", bytes_of_copy(arguments[0]))) {
    return kRaised;
  }
  charge_items(machine, 2 * hash_table_size(arguments[0]));
  return hash_table_copy(machine.heap(), arguments[0]);
}

// The associations of the second come into the first, which is given back.
Value merge(Machine& machine, const Value* arguments, u32) {
  if (!table_argument(machine, "hash-table-merge!", arguments, 0) ||
      !table_argument(machine, "hash-table-merge!", arguments, 1)) {
    return kRaised;
  }
  if (arguments[0] == arguments[1]) return arguments[0];
  u32 at = 0;
  Value key;
  Value value;
  while (hash_table_next(arguments[1], at, key, value)) {
    if (!key_argument(machine, "hash-table-merge!", arguments[0], &key, 0) ||
        !put(machine, "hash-table-merge!", arguments[0], key, value)) {
      return kRaised;
    }
  }
  return arguments[0];
}

enum class Part : u8 { kKeys, kValues, kBoth };

Value list_of(Machine& machine, std::string_view name, const Value* arguments, Part part) {
  if (!table_argument(machine, name, arguments)) return kRaised;
  const u64 count = hash_table_size(arguments[0]);
  if (!room(machine, name, count * 2 * sizeof(Pair))) return kRaised;
  charge_items(machine, 4 * count);
  ListBuilder list(machine.heap());
  u32 at = 0;
  Value key;
  Value value;
  while (hash_table_next(arguments[0], at, key, value)) {
    list.add(part == Part::kKeys ? key : part == Part::kValues ? value : machine.heap().cons(key, value));
  }
  return list.list();
}

Value keys(Machine& machine, const Value* arguments, u32) {
  return list_of(machine, "hash-table-keys", arguments, Part::kKeys);
}
Value values(Machine& machine, const Value* arguments, u32) {
  return list_of(machine, "hash-table-values", arguments, Part::kValues);
}
Value to_alist(Machine& machine, const Value* arguments, u32) {
  return list_of(machine, "hash-table->alist", arguments, Part::kBoth);
}

Value procedure_named(Machine& machine, std::string_view name) {
  return as<Cell>(core_cell(machine.heap(), machine.core(), name))->value;
}

Value equivalence_of(Machine& machine, const Value* arguments, u32) {
  if (!table_argument(machine, "hash-table-equivalence-function", arguments)) return kRaised;
  return procedure_named(machine, kEquivalences[static_cast<u32>(kind_of(arguments[0]))].name);
}

Value hash_function_of(Machine& machine, const Value* arguments, u32) {
  constexpr std::string_view kNames[] = {"hash-by-identity", "hash-by-identity", "hash", "string-hash"};
  if (!table_argument(machine, "hash-table-hash-function", arguments)) return kRaised;
  return procedure_named(machine, kNames[static_cast<u32>(kind_of(arguments[0]))]);
}

// --- Hashes that a program sees: the same in every run

// A hash below the bound, which is argument 1 if it is given.
Value bounded(Machine& machine, std::string_view name, const Value* arguments, u32 count, u64 hash) {
  constexpr u64 kMost = u64{1} << 32;
  u64 bound = kMost;
  if (count > 1 && !integer_argument(machine, name, arguments, 1, "a bound", kMost, bound)) return kRaised;
  if (bound == 0) return machine.range_error(name, 2, "a bound above 0", arguments[1]);
  return Value::fixnum(static_cast<i64>((hash >> 32) % bound));
}

Value hash(Machine& machine, const Value* arguments, u32 count) {
  u64 work = 0;
  const u64 hash = hash_portable(arguments[0], &work);
  machine.charge(work / 2);
  return bounded(machine, "hash", arguments, count, hash);
}

// Addresses are nothing that a program may see, so objects that have no name or value count by their type.
Value hash_by_identity(Machine& machine, const Value* arguments, u32 count) {
  const Value value = arguments[0];
  const bool is_hashed = value.is_immediate() || is_symbol(value) || is_number(value);
  const u64 hash = is_hashed ? hash_portable(value) : mix(static_cast<u64>(value.to_object()->type));
  return bounded(machine, "hash-by-identity", arguments, count, hash);
}

Value string_hash(Machine& machine, const Value* arguments, u32 count) {
  if (!type_argument(machine, "string-hash", arguments, 0, Type::kString, "a string")) return kRaised;
  charge_items(machine, arguments[0].to_object()->length);
  return bounded(machine, "string-hash", arguments, count, hash_characters(as<String>(arguments[0])));
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"alist->hash-table", from_alist, 1, 3},
    {"hash", hash, 1, 2},
    {"hash-by-identity", hash_by_identity, 1, 2},
    {"hash-table", literal, 0, kAnyCount},
    {"hash-table->alist", to_alist, 1, 1},
    {"hash-table-clear!", clear, 1, 1},
    {"hash-table-contains?", has, 2, 2},
    {"hash-table-copy", copy, 1, 2},
    {"hash-table-delete!", remove, 1, kAnyCount},
    {"hash-table-empty?", is_empty, 1, 1},
    {"hash-table-equivalence-function", equivalence_of, 1, 1},
    {"hash-table-exists?", has, 2, 2},
    {"hash-table-hash-function", hash_function_of, 1, 1},
    {"hash-table-keys", keys, 1, 1},
    {"hash-table-merge!", merge, 2, 2},
    {"hash-table-ref", ref, 2, 4},
    {"hash-table-ref/default", ref_default, 3, 3},
    {"hash-table-set!", set, 1, kAnyCount},
    {"hash-table-size", size, 1, 1},
    {"hash-table-values", values, 1, 1},
    {"hash-table?", is_table, 1, 1},
    {"make-hash-table", make, 0, 6},
    {"string-hash", string_hash, 1, 2},
};

}  // namespace

void define_hash_tables(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
