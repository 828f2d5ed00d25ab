#include "lisp/equality.h"

#include <cstring>
#include <vector>

#include "lisp/heap/symbols.h"
#include "lisp/identity_map.h"
#include "lisp/numbers/numbers.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

namespace {

constexpr u32 kBytesPerUnit = 16;

bool is_compound(Value value) { return value.is_pair() || is_a(value, Type::kVector); }
bool has_text(Value value) { return is_string(value) || is_a(value, Type::kBytes); }

// Of two values that are not both compound.
bool is_same_leaf(Value left, Value right, u64& work) {
  if (left == right) return true;
  if (!left.is_object() || !right.is_object()) return false;
  Type type = left.to_object()->type;
  if (type != right.to_object()->type || left.to_object()->length != right.to_object()->length) {
    return is_eqv(left, right);
  }
  if (type == Type::kString) {
    work += left.to_object()->length / kBytesPerUnit;
    return equal(as<String>(left), as<String>(right));
  }
  if (type == Type::kBytes) {
    u32 length = left.to_object()->length;
    work += length / kBytesPerUnit;
    return std::memcmp(as<Bytes>(left)->data, as<Bytes>(right)->data, length) == 0;
  }
  return is_eqv(left, right);
}

// Which compound values are taken to be equal: union-find, as in Adams and Dybvig, "Efficient nondestructive equality
// checking for trees and graphs" (2008). If one of these assumptions is wrong, the comparison finds the difference
// itself.
class Classes {
 public:
  // Says whether the two are in one class already, and puts them into one.
  bool unite(Value left, Value right) {
    u32 a = root(left);
    u32 b = root(right);
    if (a == b) return true;
    if (sizes_[a] < sizes_[b]) std::swap(a, b);
    parents_[b] = a;
    sizes_[a] += sizes_[b];
    return false;
  }

 private:
  u32 root(Value value) {
    u64& number = numbers_[value];
    if (number == 0) {
      parents_.push_back(static_cast<u32>(parents_.size()));
      sizes_.push_back(1);
      number = parents_.size();
    }
    u32 at = static_cast<u32>(number - 1);
    while (parents_[at] != at) {
      parents_[at] = parents_[parents_[at]];
      at = parents_[at];
    }
    return at;
  }

  IdentityMap numbers_;
  std::vector<u32> parents_;
  std::vector<u32> sizes_;
};

// Up to here, nothing is noted down: nearly all comparisons end before.
constexpr u64 kPlainNodes = 400;
// Along a list every so many pairs are noted down. That suffices: whoever comes again into the middle of a list meets a
// pair that was noted down before as many steps.
constexpr u32 kNotedPairs = 16;

class Comparison {
 public:
  bool run(Value left, Value right) {
    if (!step(left, right)) return false;
    while (!open_.empty()) {
      Open& open = open_.back();
      if (open.left.is_pair()) {
        Open rest = open;
        open_.pop_back();
        if (!list(rest.left, rest.right, rest.next)) return false;
      } else if (open.next == open.left.to_object()->length) {
        open_.pop_back();
      } else {
        u32 next = open.next++;
        if (!step(as<Vector>(open.left)->items[next], as<Vector>(open.right)->items[next])) return false;
      }
    }
    return true;
  }

  u64 work = 0;

 private:
  // Two vectors that are equal up to `next`, or two lists, `next` pairs behind one that was noted down.
  struct Open {
    Value left;
    Value right;
    u32 next;
  };

  bool step(Value left, Value right) {
    ++work;
    if (left == right) return true;
    if (left.is_pair() && right.is_pair()) {
      open_.push_back({left, right, 0});
      return true;
    }
    if (is_a(left, Type::kVector) && is_a(right, Type::kVector)) {
      if (left.to_object()->length != right.to_object()->length) return false;
      if (!is_noted(left, right)) open_.push_back({left, right, 0});
      return true;
    }
    return is_same_leaf(left, right, work);
  }

  bool list(Value left, Value right, u32 passed) {
    for (;; ++passed) {
      if (left == right) return true;
      if (!left.is_pair() || !right.is_pair()) return step(left, right);
      if (passed % kNotedPairs == 0 && is_noted(left, right)) return true;
      Value first = car(left);
      Value second = car(right);
      left = cdr(left);
      right = cdr(right);
      if (is_compound(first) && is_compound(second)) {
        // First what is inside, then the rest.
        if (left.is_pair()) {
          open_.push_back({left, right, passed + 1});
        } else if (!step(left, right)) {
          return false;
        }
        return step(first, second);
      }
      ++work;
      if (!is_same_leaf(first, second, work)) return false;
    }
  }

  bool is_noted(Value left, Value right) { return work > kPlainNodes && classes_.unite(left, right); }

  std::vector<Open> open_;
  Classes classes_;
};

// --- Hashes

u64 hash_text(Value value, u64& work) {
  u32 length = value.to_object()->length;
  work += length / kBytesPerUnit;
  if (is_string(value)) return hash_characters(as<String>(value));
  u64 hash = length;
  for (u32 i = 0; i < length; ++i) hash = (hash ^ as<Bytes>(value)->data[i]) * 0x9fb21c651e98df25;
  return mix(hash);
}

// Of what has no parts.
u64 hash_leaf(Value value, bool by_address, u64& work) {
  if (has_text(value)) return hash_text(value, work);
  if (is_number(value)) return mix(hash_of_number(value));
  if (value.is_immediate()) return mix(value.bits());
  if (is_symbol(value)) return as<Symbol>(value)->hash;
  if (by_address) return mix(value.bits());
  return mix(static_cast<u64>(value.to_object()->type));
}

u64 hash_structure(Value value, u64* work, bool by_address) {
  u64 count = 1;
  u64 hash = 0;
  if (!is_compound(value)) {
    hash = hash_leaf(value, by_address, count);
  } else {
    // Parts count by type where identity says, so that work does not depend on addresses.
    Value open[kHashedNodes];
    u32 size = 0;
    open[size++] = value;
    for (u32 nodes = 0; size != 0 && nodes < kHashedNodes; ++nodes) {
      Value node = open[--size];
      u64 part;
      if (node.is_pair()) {
        part = 1;
        if (size < kHashedNodes) open[size++] = cdr(node);
        if (size < kHashedNodes) open[size++] = car(node);
      } else if (is_a(node, Type::kVector)) {
        auto* vector = as<Vector>(node);
        part = 2 + (u64{vector->length} << 8);
        for (u32 i = vector->length < kHashedNodes ? vector->length : kHashedNodes; i-- > 0;) {
          if (size < kHashedNodes) open[size++] = vector->items[i];
        }
      } else {
        part = hash_leaf(node, false, count);
      }
      hash = (std::rotl(hash, 7) ^ part) * 0x9fb21c651e98df25;
      ++count;
    }
    hash = mix(hash);
  }
  if (work != nullptr) *work += count;
  return hash;
}

}  // namespace

bool is_eqv(Value left, Value right) {
  if (left == right) return true;
  if (!left.is_object() || !right.is_object()) return false;
  Type type = left.to_object()->type;
  return type == right.to_object()->type && (type == Type::kFlonum || type == Type::kBignum || type == Type::kRatnum) &&
         is_same_number(left, right);
}

bool is_equal(Value left, Value right, u64* work) {
  u64 leaf = 1;
  bool result;
  if (left == right) {
    result = true;
  } else if (is_compound(left) && is_compound(right)) {
    Comparison comparison;
    result = comparison.run(left, right);
    leaf = comparison.work;
  } else {
    result = is_same_leaf(left, right, leaf);
  }
  if (work != nullptr) *work += leaf;
  return result;
}

u64 hash_eqv(Value value) { return mix(is_number(value) ? hash_of_number(value) : value.bits()); }
u64 hash_equal(Value value, u64* work) { return hash_structure(value, work, true); }
u64 hash_portable(Value value, u64* work) { return hash_structure(value, work, false); }

}  // namespace heddle::lisp
