// A table from values, by identity (eq?), to a word: for the length of one expansion, or of one walk over a datum. It
// is never iterated over, so that addresses show nowhere.
#pragma once

#include <vector>

#include "lisp/heap/value.h"

namespace heddle::lisp {

class IdentityMap {
 public:
  // The word of a key, nullptr if it has none. Valid until the next insertion.
  u64* find(Value key) {
    if (slots_.empty()) return nullptr;
    Slot& slot = slots_[place(key)];
    return slot.is_used ? &slot.word : nullptr;
  }
  // The word of a key, 0 if it is new.
  u64& operator[](Value key) {
    if (slots_.size() < 2 * (count_ + 1)) grow();
    Slot& slot = slots_[place(key)];
    if (!slot.is_used) {
      slot = {key, 0, true};
      ++count_;
    }
    return slot.word;
  }
  void erase(Value key) {
    if (slots_.empty()) return;
    std::size_t hole = place(key);
    if (!slots_[hole].is_used) return;
    // What stands behind it and would not be found any more moves up.
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = (hole + 1) & mask; slots_[at].is_used; at = (at + 1) & mask) {
      if (((at - home(slots_[at].key)) & mask) < ((at - hole) & mask)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole].is_used = false;
    --count_;
  }
  std::size_t size() const { return count_; }

 private:
  struct Slot {
    Value key;
    u64 word = 0;
    bool is_used = false;
  };

  std::size_t home(Value key) const {
    return static_cast<std::size_t>((key.bits() >> 3) * 0x9e3779b97f4a7c15u >> 20) & (slots_.size() - 1);
  }
  std::size_t place(Value key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = home(key);
    while (slots_[at].is_used && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.is_used) slots_[place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace heddle::lisp
