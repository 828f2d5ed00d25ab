#include "lisp/text/unicode.h"

#include <algorithm>
#include <iterator>

namespace heddle::lisp {

namespace {

struct FullUpper {
  u16 c;
  u16 upper[3];  // 0 behind the last
};

#include "lisp/text/unicode_tables.inc"

// The last word whose character (from bit 11 on) is not behind c, or nullptr.
template <std::size_t N>
const u32* find(const u32 (&ranges)[N], u32 c) {
  const u32* behind = std::upper_bound(std::begin(ranges), std::end(ranges), c << 11 | 0x7ff);
  return behind == ranges ? nullptr : behind - 1;
}

template <std::size_t N>
bool contains(const u32 (&ranges)[N], u32 c) {
  const u32* range = find(ranges, c);
  return range != nullptr && c - (*range >> 11) <= (*range & 0x7ff);
}

// What to add to c, or nullptr if the table says nothing of it.
template <std::size_t N>
const i32* find_delta(const u32 (&ranges)[N], const u8* indexes, const i32* deltas, u32 c) {
  const u32* range = find(ranges, c);
  if (range == nullptr) return nullptr;
  const u32 offset = c - (*range >> 11);
  const u32 stride = (*range >> 10 & 1) + 1;
  if (offset % stride != 0 || offset / stride > (*range & 0x3ff)) return nullptr;
  return &deltas[indexes[range - ranges]];
}

u32 add(u32 c, const i32* delta) { return delta == nullptr ? c : c + static_cast<u32>(*delta); }

constexpr bool is_ascii(u32 c) { return c < 0x80; }
constexpr bool is_ascii_upper(u32 c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_ascii_lower(u32 c) { return c >= 'a' && c <= 'z'; }

const FullUpper* find_full(u32 c) {
  const FullUpper* found = std::lower_bound(std::begin(kFullUpper), std::end(kFullUpper), c,
                                            [](const FullUpper& row, u32 wanted) { return row.c < wanted; });
  return found != std::end(kFullUpper) && found->c == c ? found : nullptr;
}

constexpr Expansion one(u32 c) { return {1, {c, 0, 0}}; }

// Capital I with a dot, the only character whose lower case is two: i, and the dot as a combining character.
constexpr u32 kDottedI = 0x130;
// Capital sharp s: its folding is two characters, though its lower case is one and its upper case itself.
constexpr u32 kCapitalSharpS = 0x1e9e;

}  // namespace

bool is_alphabetic(u32 c) { return is_ascii(c) ? is_ascii_upper(c & ~0x20u) : contains(kAlphabetic, c); }

bool is_upper_case(u32 c) {
  if (is_ascii(c)) return is_ascii_upper(c);
  return (downcase(c) != c && !contains(kTitle, c)) || contains(kOtherUpper, c);
}

bool is_lower_case(u32 c) {
  if (is_ascii(c)) return is_ascii_lower(c);
  return (upcase(c) != c && !contains(kTitle, c)) || contains(kOtherLower, c);
}

bool is_whitespace(u32 c) {
  if (is_ascii(c)) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

i32 digit_value(u32 c) {
  const u32* behind = std::upper_bound(std::begin(kZeros), std::end(kZeros), c);
  if (behind == kZeros || c - behind[-1] > 9) return -1;
  return static_cast<i32>(c - behind[-1]);
}

u32 upcase(u32 c) {
  if (is_ascii(c)) return is_ascii_lower(c) ? c - 0x20 : c;
  return add(c, find_delta(kUpperRanges, kUpperIndexes, kUpperDeltas, c));
}

u32 downcase(u32 c) {
  if (is_ascii(c)) return is_ascii_upper(c) ? c + 0x20 : c;
  return add(c, find_delta(kLowerRanges, kLowerIndexes, kLowerDeltas, c));
}

u32 foldcase(u32 c) {
  if (is_ascii(c)) return downcase(c);
  const i32* delta = find_delta(kFoldRanges, kFoldIndexes, kFoldDeltas, c);
  return delta != nullptr ? add(c, delta) : downcase(c);
}

Expansion full_upcase(u32 c) {
  if (const FullUpper* row = find_full(c)) {
    return {row->upper[2] != 0 ? 3u : 2u, {row->upper[0], row->upper[1], row->upper[2]}};
  }
  return one(upcase(c));
}

Expansion full_downcase(u32 c) {
  if (c == kDottedI) return {2, {'i', 0x307, 0}};
  return one(downcase(c));
}

Expansion full_foldcase(u32 c) {
  if (c == kDottedI) return full_downcase(c);
  if (c == kCapitalSharpS) return {2, {'s', 's', 0}};
  Expansion expansion = full_upcase(c);
  if (expansion.count == 1) {
    // Titlecase Greek letters with iota fold like their lower case, whose upper case is two letters.
    expansion = full_upcase(downcase(c));
    if (expansion.count == 1) return one(foldcase(c));
  }
  for (u32 i = 0; i < expansion.count; ++i) expansion.chars[i] = foldcase(expansion.chars[i]);
  return expansion;
}

}  // namespace heddle::lisp
