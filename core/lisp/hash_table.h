// Hash tables: heap objects that keep their entries in the order of insertion, so that no iteration ever shows an
// address or a hash. A new value for a key leaves it at its place; a key that was removed and put again comes last.
//
// Entries lie side by side in a vector; beside it an open-addressed table (linear probing) leads from hashes to
// entries. A removed entry leaves a hole until the next growth closes the holes. Tables of up to 8 entries are searched
// through and have no such second table, unless comparing is expensive.
//
// A key is not to be changed while it is in a table: it would not be found again, and nothing worse.
// Partner: builtins/hash_tables.cpp.
#pragma once

#include "lisp/heap/heap.h"

namespace heddle::lisp {

class Machine;

// How keys are compared.
enum class TableKind : u16 {
  kEq = 0,
  kEqv = 1,
  kEqual = 2,
  kString = 3,  // string=?; keys are strings
};

// `capacity`: how many entries it will get, about; no more than what has_room() allowed.
Value make_hash_table(Heap& heap, TableKind kind = TableKind::kEqual, u32 capacity = 0);
inline TableKind kind_of(Value table) { return static_cast<TableKind>(table.to_object()->aux); }
inline u32 hash_table_size(Value table) { return as<HashTable>(table)->count; }

// `work`, where given, is increased by about one for each node of a key that was looked at.
Value hash_table_get(Value table, Value key, Value otherwise, u64* work = nullptr);
// False: there is no room for what it would have to grow by.
bool hash_table_put(Heap& heap, Value table, Value key, Value value, u64* work = nullptr);
// Charges the machine; false: it has raised HeapLimit.
bool hash_table_set(Machine& machine, Value table, Value key, Value value);
// Says whether the key was there.
bool hash_table_remove(Heap& heap, Value table, Value key, u64* work = nullptr);
void hash_table_clear(Heap& heap, Value table);
// Without holes. The caller asked for bytes_of_copy().
Value hash_table_copy(Heap& heap, Value table);
u64 bytes_of_copy(Value table);

// Goes through the entries: `at` is 0 at first; false after the last one. The table may be changed meanwhile; if it
// grows then, entries may be passed over.
bool hash_table_next(Value table, u32& at, Value& key, Value& value);

}  // namespace heddle::lisp
