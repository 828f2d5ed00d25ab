#include "lisp/hash_table.h"

#include <algorithm>
#include <vector>

#include "lisp/equality.h"
#include "lisp/machine.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

namespace {

// A place: the upper half of the hash, then the number of the entry and one; 0: never used.
using Place = u64;
constexpr u32 kGone = 0xffffffff;  // the entry of a place whose key was removed
constexpr u32 kNone = 0xffffffff;
constexpr u32 kLeastCapacity = 4;
constexpr u32 kMostWithoutPlaces = 8;
constexpr u64 kMostEntries = u64{1} << 28;

u32 entry_of(Place place) { return static_cast<u32>(place); }
Place place_of(u64 hash, u32 entry) { return (hash & 0xffffffff00000000) | (entry + 1); }

Value* entries_of(const HashTable* table) { return as<Vector>(table->entries)->items; }
u32 capacity_of(const HashTable* table) { return as<Vector>(table->entries)->length / 2; }
Place* places_of(const HashTable* table) { return reinterpret_cast<Place*>(as<Bytes>(table->places)->data); }
u64 mask_of(const HashTable* table) { return as<Bytes>(table->places)->length / sizeof(Place) - 1; }
TableKind kind_of(const HashTable* table) { return static_cast<TableKind>(table->aux); }

// At most two thirds of the places are ever used.
u64 places_for(u64 capacity) { return std::bit_ceil(capacity + capacity / 2); }
bool needs_places(TableKind kind, u64 capacity) {
  return capacity > kMostWithoutPlaces || (kind == TableKind::kEqual && capacity > kLeastCapacity);
}
u64 bytes_for(TableKind kind, u64 capacity) {
  u64 bytes = Vector::size(2 * capacity);
  return needs_places(kind, capacity) ? bytes + Bytes::size(places_for(capacity) * sizeof(Place)) : bytes;
}

u64 hash_of(TableKind kind, Value key, u64* work) {
  switch (kind) {
    case TableKind::kEq: return mix(key.bits());
    case TableKind::kEqv: return hash_eqv(key);
    case TableKind::kEqual:
    case TableKind::kString: break;
  }
  return hash_equal(key, work);
}

bool is_same(TableKind kind, Value left, Value right, u64* work) {
  if (left == right) return true;
  switch (kind) {
    case TableKind::kEq: return false;
    case TableKind::kEqv: return is_eqv(left, right);
    case TableKind::kEqual:
    case TableKind::kString: break;
  }
  return is_equal(left, right, work);
}

// The entry of a key, or kNone; and the place that leads to it, if there are places.
u32 find(const HashTable* table, Value key, u64 hash, u64* work, Place** found = nullptr) {
  const Value* entries = entries_of(table);
  TableKind kind = kind_of(table);
  if (!table->places.is_true()) {
    for (u32 i = 0; i < table->filled; ++i) {
      if (is_same(kind, entries[2 * u64{i}], key, work)) return i;
    }
    return kNone;
  }
  Place* places = places_of(table);
  u64 mask = mask_of(table);
  for (u64 i = (hash >> 32) & mask; places[i] != 0; i = (i + 1) & mask) {
    if ((places[i] ^ hash) >> 32 != 0 || entry_of(places[i]) == kGone) continue;
    u32 entry = entry_of(places[i]) - 1;
    if (!is_same(kind, entries[2 * u64{entry}], key, work)) continue;
    if (found != nullptr) *found = &places[i];
    return entry;
  }
  return kNone;
}

u64 hash_for(const HashTable* table, Value key, u64* work) {
  return table->places.is_true() ? hash_of(kind_of(table), key, work) : 0;
}

void add_place(const HashTable* table, u64 hash, u32 entry) {
  Place* places = places_of(table);
  u64 mask = mask_of(table);
  u64 i = (hash >> 32) & mask;
  while (places[i] != 0) i = (i + 1) & mask;
  places[i] = place_of(hash, entry);
}

Value make_entries(Heap& heap, u64 capacity) { return heap.vector(static_cast<u32>(2 * capacity), kUndefined); }

Value make_places(Heap& heap, TableKind kind, u64 capacity) {
  if (!needs_places(kind, capacity)) return kFalse;
  return heap.bytes(static_cast<u32>(places_for(capacity) * sizeof(Place)));
}

// Copies the entries that are there into memory for `capacity` of them. Hashes are taken over, where there are some.
void move_entries(Heap& heap, const HashTable* from, HashTable* to, u64 capacity, u64* work) {
  TableKind kind = kind_of(from);
  const Value* old = entries_of(from);
  Value entries = make_entries(heap, capacity);
  Value places = make_places(heap, kind, capacity);
  std::vector<u64> hashes;
  if (from->places.is_true()) {
    hashes.resize(from->filled);
    const Place* place = places_of(from);
    for (u64 i = 0; i <= mask_of(from); ++i) {
      if (place[i] != 0 && entry_of(place[i]) != kGone) hashes[entry_of(place[i]) - 1] = place[i];
    }
  }
  u32 filled = from->filled;
  heap.write(to->entries, entries);
  heap.write(to->places, places);
  u32 count = 0;
  for (u32 i = 0; i < filled; ++i) {
    Value key = old[2 * u64{i}];
    if (key == kUndefined) continue;
    entries_of(to)[2 * u64{count}] = key;
    entries_of(to)[2 * u64{count} + 1] = old[2 * u64{i} + 1];
    if (places.is_true()) add_place(to, hashes.empty() ? hash_of(kind, key, work) : hashes[i], count);
    ++count;
  }
  to->count = count;
  to->filled = count;
  if (work != nullptr) *work += filled;
}

}  // namespace

Value make_hash_table(Heap& heap, TableKind kind, u32 capacity) {
  u64 size = std::max(capacity, kLeastCapacity);
  Value entries = make_entries(heap, size);
  Value places = make_places(heap, kind, size);
  auto* table = heap.make<HashTable>(Type::kHashTable, sizeof(HashTable), 0, static_cast<u16>(kind));
  table->entries = entries;
  table->places = places;
  return Value::object(table);
}

Value hash_table_get(Value value, Value key, Value otherwise, u64* work) {
  auto* table = as<HashTable>(value);
  u32 entry = find(table, key, hash_for(table, key, work), work);
  return entry == kNone ? otherwise : entries_of(table)[2 * u64{entry} + 1];
}

bool hash_table_put(Heap& heap, Value target, Value key, Value value, u64* work) {
  auto* table = as<HashTable>(target);
  u64 hash = hash_for(table, key, work);
  u32 entry = find(table, key, hash, work);
  if (entry != kNone) {
    heap.write(entries_of(table)[2 * u64{entry} + 1], value);
    return true;
  }
  if (table->filled == capacity_of(table)) {
    // Grown by half where nothing was removed, as large as it was where many were.
    u64 capacity = std::max<u64>(u64{table->count} + table->count / 2 + 2, capacity_of(table));
    if (table->count == capacity_of(table)) capacity = 2 * u64{table->count};
    if (capacity > kMostEntries || !heap.has_room(bytes_for(kind_of(table), capacity))) return false;
    move_entries(heap, table, table, capacity, work);
    hash = hash_for(table, key, work);
  }
  entry = table->filled++;
  ++table->count;
  entries_of(table)[2 * u64{entry}] = key;
  entries_of(table)[2 * u64{entry} + 1] = value;
  if (table->places.is_true()) add_place(table, hash, entry);
  return true;
}

bool hash_table_set(Machine& machine, Value table, Value key, Value value) {
  u64 work = 0;
  bool is_put = hash_table_put(machine.heap(), table, key, value, &work);
  machine.charge(work / 2);
  if (!is_put) machine.heap_error("hash-table-set!", 2 * bytes_of_copy(table));
  return is_put;
}

bool hash_table_remove(Heap& heap, Value target, Value key, u64* work) {
  auto* table = as<HashTable>(target);
  Place* place = nullptr;
  u32 entry = find(table, key, hash_for(table, key, work), work, &place);
  if (entry == kNone) return false;
  Value* entries = entries_of(table) + 2 * u64{entry};
  heap.write(entries[0], kUndefined);
  heap.write(entries[1], kUndefined);
  if (place != nullptr) *place = (*place & 0xffffffff00000000) | kGone;
  --table->count;
  // Whoever takes from the end what he has put there leaves no holes in the vector; in the places, a hole stays.
  if (place == nullptr && entry + 1 == table->filled) --table->filled;
  return true;
}

void hash_table_clear(Heap& heap, Value target) {
  auto* table = as<HashTable>(target);
  heap.write(table->entries, make_entries(heap, kLeastCapacity));
  heap.write(table->places, kFalse);
  table->count = 0;
  table->filled = 0;
}

u64 bytes_of_copy(Value value) {
  auto* table = as<HashTable>(value);
  return sizeof(HashTable) + bytes_for(kind_of(table), std::max(table->count, kLeastCapacity));
}

Value hash_table_copy(Heap& heap, Value value) {
  auto* table = as<HashTable>(value);
  auto* copy = heap.make<HashTable>(Type::kHashTable, sizeof(HashTable), 0, table->aux);
  move_entries(heap, table, copy, std::max(table->count, kLeastCapacity), nullptr);
  return Value::object(copy);
}

bool hash_table_next(Value value, u32& at, Value& key, Value& result) {
  auto* table = as<HashTable>(value);
  while (at < table->filled) {
    const Value* entry = entries_of(table) + 2 * u64{at++};
    if (entry[0] == kUndefined) continue;
    key = entry[0];
    result = entry[1];
    return true;
  }
  return false;
}

}  // namespace heddle::lisp
