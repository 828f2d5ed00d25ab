#include "lisp/heap/symbols.h"

#include <bit>

#include "lisp/heap/heap.h"

namespace heddle::lisp {

namespace {

constexpr u64 kLeastCapacity = 1024;
// How much of the table forget_some() looks at.
constexpr u64 kPiece = 512;

// A place whose symbol was forgotten: probing goes on over it.
Symbol* gone() { return reinterpret_cast<Symbol*>(std::uintptr_t{8}); }
bool is_symbol(const Symbol* place) { return place != nullptr && place != gone(); }

u64 begin_hash(u64 length) { return length ^ 0x9e3779b97f4a7c15; }
u64 add_to_hash(u64 hash, u32 character) { return (std::rotl(hash, 5) ^ character) * 0x9fb21c651e98df25; }
u64 end_hash(u64 hash) {
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
  return hash ^ hash >> 32;
}

u32 character(const String* string, const Bytes* bytes, u32 index) {
  if (!string->is_wide()) return bytes->data[index];
  u32 result;
  std::memcpy(&result, bytes->data + 4 * static_cast<u64>(index), 4);
  return result;
}

u64 hash_of(std::string_view ascii) {
  u64 hash = begin_hash(ascii.size());
  for (char c : ascii) hash = add_to_hash(hash, static_cast<u8>(c));
  return end_hash(hash);
}

bool is_named(const Symbol* symbol, std::string_view ascii) {
  auto* name = as<String>(symbol->name);
  if (name->length != ascii.size() || name->is_wide()) return false;
  return std::memcmp(as<Bytes>(name->bytes)->data, ascii.data(), ascii.size()) == 0;
}

bool is_named(const Symbol* symbol, const String* string) {
  auto* name = as<String>(symbol->name);
  if (name->length != string->length) return false;
  auto* left = as<Bytes>(name->bytes);
  auto* right = as<Bytes>(string->bytes);
  for (u32 i = 0; i < name->length; ++i) {
    if (character(name, left, i) != character(string, right, i)) return false;
  }
  return true;
}

}  // namespace

u64 hash_characters(const String* string) {
  auto* bytes = as<Bytes>(string->bytes);
  u64 hash = begin_hash(string->length);
  for (u32 i = 0; i < string->length; ++i) hash = add_to_hash(hash, character(string, bytes, i));
  return end_hash(hash);
}

template <typename Name>
Symbol** SymbolTable::find(const Heap& heap, u64 hash, Name name) {
  if ((taken_ + 1) * u64{4} > places_.size() * u64{3}) resize(heap);
  u64 mask = places_.size() - 1;
  Symbol** free = nullptr;
  for (u64 i = hash & mask;; i = (i + 1) & mask) {
    Symbol** place = &places_[i];
    if (*place == nullptr) return free != nullptr ? free : place;
    if (*place == gone()) {
      if (free == nullptr) free = place;
    } else if ((*place)->hash == hash && !heap.is_forgotten(*place) && is_named(*place, name)) {
      return place;
    }
  }
}

Value SymbolTable::give(Heap& heap, Symbol** place) {
  Value symbol = Value::object(*place);
  if (heap.is_marking()) heap.mark(symbol);
  return symbol;
}

Value SymbolTable::add(Heap& heap, Symbol** place, u64 hash, Value name) {
  auto* symbol = heap.make<Symbol>(Type::kSymbol);
  symbol->name = name;
  symbol->hash = hash;
  if (*place == nullptr) ++taken_;
  *place = symbol;
  ++count_;
  return Value::object(symbol);
}

Value SymbolTable::intern(Heap& heap, std::string_view ascii) {
  u64 hash = hash_of(ascii);
  Symbol** place = find(heap, hash, ascii);
  if (is_symbol(*place)) return give(heap, place);
  return add(heap, place, hash, heap.string(ascii, true));
}

Value SymbolTable::intern(Heap& heap, Value value) {
  auto* string = as<String>(value);
  u64 hash = hash_characters(string);
  Symbol** place = find(heap, hash, static_cast<const String*>(string));
  if (is_symbol(*place)) return give(heap, place);
  return add(heap, place, hash, heap.name_of(value));
}

bool SymbolTable::forget_some(const Heap& heap, u64* units) {
  u64 end = std::min<u64>(forgetting_ + kPiece, places_.size());
  *units += end - forgetting_;
  for (; forgetting_ < end; ++forgetting_) {
    Symbol*& place = places_[forgetting_];
    if (!is_symbol(place) || heap.is_alive(place)) continue;
    place = gone();
    --count_;
  }
  if (forgetting_ < places_.size()) return false;
  forgetting_ = 0;
  return true;
}

void SymbolTable::resize(const Heap& heap) {
  u64 capacity = kLeastCapacity;
  while (capacity < u64{count_} * 2 + 2) capacity *= 2;
  std::vector<Symbol*> old(capacity);
  old.swap(places_);
  count_ = 0;
  for (Symbol* symbol : old) {
    if (!is_symbol(symbol) || heap.is_forgotten(symbol)) continue;
    u64 i = symbol->hash & (capacity - 1);
    while (places_[i] != nullptr) i = (i + 1) & (capacity - 1);
    places_[i] = symbol;
    ++count_;
  }
  taken_ = count_;
  // Nothing dead is left; what was looked at before may lie anywhere now.
  forgetting_ = 0;
}

}  // namespace heddle::lisp
