// UTF-8, one character at a time. Overlong forms, surrogates and what is above U+10FFFF are not valid.
#pragma once

#include <string>
#include <string_view>

#include "heddle/types.h"

namespace heddle::lisp {

constexpr u32 kMaxCodePoint = 0x10ffff;
constexpr u32 kReplacement = 0xfffd;
constexpr u32 kNotUtf8 = 0xffffffff;

constexpr bool is_scalar_value(u32 c) { return c < 0xd800 || (c >= 0xe000 && c <= kMaxCodePoint); }

// The character at `at`, which is moved behind it. kNotUtf8 if there is none: then `at` is moved behind the longest
// beginning of one, so that a decoder that writes U+FFFD writes as many of them as the Encoding Standard says.
inline u32 decode_utf8(std::string_view text, std::size_t& at) {
  const u8 first = static_cast<u8>(text[at++]);
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return kNotUtf8;
  const u32 more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  u32 c = first & (0x3fu >> more);
  // What the second byte may be, where overlong forms, surrogates and the end of Unicode narrow it.
  u32 lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  u32 highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (u32 i = 0; i < more; ++i) {
    if (at >= text.size()) return kNotUtf8;
    const u8 next = static_cast<u8>(text[at]);
    if (next < lowest || next > highest) return kNotUtf8;
    lowest = 0x80;
    highest = 0xbf;
    c = c << 6 | (next & 0x3fu);
    ++at;
  }
  return c;
}

// Appends one character; what is no scalar value becomes U+FFFD.
inline void append_utf8(std::string& text, u32 c) {
  if (!is_scalar_value(c)) c = kReplacement;
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    text += static_cast<char>(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      text += static_cast<char>(0xe0 | c >> 12);
    } else {
      text += static_cast<char>(0xf0 | c >> 18);
      text += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    }
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  }
  text += static_cast<char>(0x80 | (c & 0x3f));
}

}  // namespace heddle::lisp
