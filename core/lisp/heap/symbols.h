// The interned symbols, by name: a weak table. Lookups during a collection keep what they give out.
#pragma once

#include <string_view>
#include <vector>

#include "lisp/heap/object.h"

namespace heddle::lisp {

class Heap;

class SymbolTable {
 public:
  Value intern(Heap& heap, std::string_view ascii);
  // A string that may change, or is wider than its characters need, is copied.
  Value intern(Heap& heap, Value string);

  u32 size() const { return count_; }

  // After marking: forgets dead symbols, a bounded piece of the table at a time, counting the places that it looked at.
  // True: all was looked at.
  bool forget_some(const Heap& heap, u64* units);

 private:
  // The place of the symbol, or of the one to be made. A dead symbol that was not forgotten yet is not found.
  template <typename Name>
  Symbol** find(const Heap& heap, u64 hash, Name name);
  static Value give(Heap& heap, Symbol** place);
  Value add(Heap& heap, Symbol** place, u64 hash, Value name);
  void resize(const Heap& heap);

  std::vector<Symbol*> places_;  // a power of two; linear probing; nullptr: never used
  u32 count_ = 0;                // symbols
  u32 taken_ = 0;                // places that are not nullptr
  u64 forgetting_ = 0;           // the next place that forget_some() looks at
};

// The hash of a name: of its characters, whatever their width in memory.
u64 hash_characters(const String* string);

}  // namespace heddle::lisp
