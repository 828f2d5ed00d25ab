// The text of String objects, for everything in C++ that makes or changes strings.
//
// A string's characters lie in a Bytes object: 1 byte each where all are below U+0100, else 4 (object.h). Such a Bytes
// may be *growable*: longer than its text, with room behind it for what is appended next, so that a string built by
// appending to itself is not copied each time:
//
//   a = "...", b = (string-append a "x")      a: |......|          both see the same bytes, each up to its own length
//                                             b: |......x|
//
// Invariant: of a growable Bytes, what lies below used() never changes, and any number of strings may refer to it. Who
// appends writes behind used(), which is possible only for a string that ends there; who changes a character gets bytes
// of its own first (own_bytes). Bytes that are not growable belong to exactly one string.
// So Bytes::length says nothing about a string: String::length does.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "lisp/heap/heap.h"

namespace heddle::lisp {

// --- Looking

inline u32 width_of(const String* string) { return string->is_wide() ? 4 : 1; }
inline u64 size_of(const String* string) { return u64{string->length} * width_of(string); }
inline u8* bytes_of(const String* string) { return as<Bytes>(string->bytes)->data; }

inline u32 char_at(const String* string, u32 index) {
  if (!string->is_wide()) return bytes_of(string)[index];
  u32 c;
  std::memcpy(&c, bytes_of(string) + u64{4} * index, 4);
  return c;
}

// Appends the text in UTF-8.
void append_text(std::string& out, const String* string, u32 start, u32 end);
inline void append_text(std::string& out, const String* string) { append_text(out, string, 0, string->length); }
std::string utf8_of(const String* string);

// Below 0, 0, above 0: by code points. `folds`: after full case folding.
i32 compare(const String* left, const String* right);
i32 compare_folded(const String* left, const String* right);
bool equal(const String* left, const String* right);

// --- Making. Whoever makes large ones asked has_room() for the bytes first.

constexpr u32 kMaxStringLength = u32{1} << 28;

// `length` characters of unset content that the caller writes by fill or copy; wide if `is_wide`.
String* new_string(Heap& heap, u32 length, bool is_wide);
// Copies characters into a string that is wide enough for them and has bytes of its own.
void copy_chars(String* to, u32 at, const String* from, u32 start, u32 end);
void fill_chars(String* to, u32 start, u32 end, u32 c);
Value substring(Heap& heap, const String* string, u32 start, u32 end);
// The same, not wider than its characters need.
Value narrowed(Heap& heap, Value string);
Value concatenate(Heap& heap, const Value* strings, u32 count);

// --- Changing

// The bytes that a change needs: (own_bytes) a copy of shared ones, or of narrow ones for a wide character; 0: none.
u64 bytes_to_change(const String* string, bool needs_wide);
// Makes it possible to write characters plainly, wide ones too if `needs_wide`.
void own_bytes(Heap& heap, String* string, bool needs_wide);
inline void set_char(String* string, u32 index, u32 c) {
  if (string->is_wide()) {
    std::memcpy(bytes_of(string) + u64{4} * index, &c, 4);
  } else {
    bytes_of(string)[index] = static_cast<u8>(c);
  }
}

// Whether that many characters (needs_wide: one is above U+00FF) can be appended without copying the string.
bool grows_in_place(const String* string, u64 more, bool needs_wide);
// Appends to a string that no program has seen as an object of its own, such as a port's: its bytes may be shared.
void append_chars(Heap& heap, String* string, const String* from, u32 start, u32 end);
void append_char(Heap& heap, String* string, u32 c);
// A string with the text that `string` has now; no copy.
Value snapshot(Heap& heap, const String* string);

}  // namespace heddle::lisp
