#include "lisp/text/strings.h"

#include <algorithm>

#include "lisp/text/unicode.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {

namespace {

// Object::aux of a Bytes. The last four bytes of a growable one hold used().
constexpr u16 kGrowable = 1;
constexpr u32 kTrailer = 4;

bool is_growable(const Bytes* bytes) { return (bytes->aux & kGrowable) != 0; }
u32 capacity(const Bytes* bytes) { return bytes->length - kTrailer; }
u32 used(const Bytes* bytes) {
  u32 count;
  std::memcpy(&count, bytes->data + capacity(bytes), kTrailer);
  return count;
}
void set_used(Bytes* bytes, u32 count) { std::memcpy(bytes->data + capacity(bytes), &count, kTrailer); }

// With half as much again behind the text, if there is memory for it.
Value growable(Heap& heap, u64 size) {
  u64 room = (size + size / 2 + 7) & ~u64{7};
  if (!heap.has_room(room)) room = size;
  const Value value = heap.bytes(static_cast<u32>(room + kTrailer));
  value.to_object()->aux = kGrowable;
  return value;
}

// Copies characters of any width to a place of at least that width.
void copy_to(u8* to, u32 width, const String* from, u32 start, u32 end) {
  const u32 from_width = width_of(from);
  if (from_width == width) {
    if (start != end) std::memmove(to, bytes_of(from) + u64{start} * width, u64{end - start} * width);
    return;
  }
  for (u32 i = start; i < end; ++i) {
    const u32 c = char_at(from, i);
    if (width == 4) {
      std::memcpy(to + u64{4} * (i - start), &c, 4);
    } else {
      to[i - start] = static_cast<u8>(c);
    }
  }
}

bool has_wide_char(const String* string, u32 start, u32 end) {
  if (!string->is_wide()) return false;
  for (u32 i = start; i < end; ++i) {
    if (char_at(string, i) > 0xff) return true;
  }
  return false;
}

// Room for `more` characters behind the text of `string`, in bytes that may be shared; wide if need be. Gives the place
// where they are to be written. `string` has the bytes then, but its length is still the old one.
u8* extend(Heap& heap, String* string, u32 more, bool needs_wide) {
  const bool is_wide = string->is_wide() || needs_wide;
  const u32 width = is_wide ? 4 : 1;
  const u64 size = u64{string->length} * width;
  const u64 new_size = size + u64{more} * width;
  if (!grows_in_place(string, more, needs_wide)) {
    const Value larger = growable(heap, new_size);
    copy_to(as<Bytes>(larger)->data, width, string, 0, string->length);
    heap.write(string->bytes, larger);
    if (is_wide) string->aux |= String::kWide;
  }
  auto* bytes = as<Bytes>(string->bytes);
  set_used(bytes, static_cast<u32>(new_size));
  return bytes->data + size;
}

// The characters of a string after full case folding, one by one.
class Folded {
 public:
  explicit Folded(const String* string) : string_(string) {}
  // Above every character at the end.
  u32 next() {
    while (index_ == expansion_.count) {
      if (at_ == string_->length) return kNotUtf8;
      expansion_ = full_foldcase(char_at(string_, at_++));
      index_ = 0;
    }
    return expansion_.chars[index_++];
  }

 private:
  const String* string_;
  u32 at_ = 0;
  u32 index_ = 0;
  Expansion expansion_;
};

}  // namespace

void append_text(std::string& out, const String* string, u32 start, u32 end) {
  if (string->is_wide()) {
    for (u32 i = start; i < end; ++i) append_utf8(out, char_at(string, i));
    return;
  }
  const u8* data = bytes_of(string);
  while (start < end) {
    u32 ascii = start;
    while (ascii < end && data[ascii] < 0x80) ++ascii;
    out.append(reinterpret_cast<const char*>(data) + start, ascii - start);
    if (ascii < end) append_utf8(out, data[ascii++]);
    start = ascii;
  }
}

std::string utf8_of(const String* string) {
  std::string text;
  append_text(text, string);
  return text;
}

i32 compare(const String* left, const String* right) {
  const u32 common = std::min(left->length, right->length);
  if (!left->is_wide() && !right->is_wide()) {
    if (const int order = std::memcmp(bytes_of(left), bytes_of(right), common); order != 0) return order;
  } else {
    for (u32 i = 0; i < common; ++i) {
      const u32 a = char_at(left, i);
      const u32 b = char_at(right, i);
      if (a != b) return a < b ? -1 : 1;
    }
  }
  return left->length == right->length ? 0 : left->length < right->length ? -1 : 1;
}

i32 compare_folded(const String* left, const String* right) {
  Folded a(left);
  Folded b(right);
  for (;;) {
    const u32 x = a.next();
    const u32 y = b.next();
    // The end comes before every character.
    if (x != y) return y == kNotUtf8 || (x != kNotUtf8 && x > y) ? 1 : -1;
    if (x == kNotUtf8) return 0;
  }
}

bool equal(const String* left, const String* right) {
  return left->length == right->length && compare(left, right) == 0;
}

String* new_string(Heap& heap, u32 length, bool is_wide) {
  const Value bytes = heap.bytes(length * (is_wide ? 4 : 1));
  auto* string = heap.make<String>(Type::kString, sizeof(String), length, is_wide ? String::kWide : 0);
  string->bytes = bytes;
  return string;
}

void copy_chars(String* to, u32 at, const String* from, u32 start, u32 end) {
  copy_to(bytes_of(to) + u64{at} * width_of(to), width_of(to), from, start, end);
}

void fill_chars(String* to, u32 start, u32 end, u32 c) {
  if (!to->is_wide()) {
    std::memset(bytes_of(to) + start, static_cast<int>(c), end - start);
    return;
  }
  for (u32 i = start; i < end; ++i) set_char(to, i, c);
}

Value substring(Heap& heap, const String* string, u32 start, u32 end) {
  String* part = new_string(heap, end - start, has_wide_char(string, start, end));
  copy_chars(part, 0, string, start, end);
  return Value::object(part);
}

Value narrowed(Heap& heap, Value value) {
  const auto* string = as<String>(value);
  if (!string->is_wide() || has_wide_char(string, 0, string->length)) return value;
  return substring(heap, string, 0, string->length);
}

Value concatenate(Heap& heap, const Value* strings, u32 count) {
  constexpr u64 kWorthGrowing = 64;
  u64 length = 0;
  bool is_wide = false;
  for (u32 i = 0; i < count; ++i) {
    length += as<String>(strings[i])->length;
    is_wide = is_wide || as<String>(strings[i])->is_wide();
  }
  if (count > 1 && length >= kWorthGrowing && 2 * u64{as<String>(strings[0])->length} >= length) {
    // Like a string that is built by appending: the next one will come.
    auto* whole = as<String>(snapshot(heap, as<String>(strings[0])));
    u8* to = extend(heap, whole, static_cast<u32>(length - whole->length), is_wide);
    for (u32 i = 1; i < count; ++i) {
      const auto* part = as<String>(strings[i]);
      copy_to(to, width_of(whole), part, 0, part->length);
      to += u64{part->length} * width_of(whole);
    }
    whole->length = static_cast<u32>(length);
    return Value::object(whole);
  }
  String* whole = new_string(heap, static_cast<u32>(length), is_wide);
  u32 at = 0;
  for (u32 i = 0; i < count; ++i) {
    const auto* part = as<String>(strings[i]);
    copy_chars(whole, at, part, 0, part->length);
    at += part->length;
  }
  return Value::object(whole);
}

u64 bytes_to_change(const String* string, bool needs_wide) {
  const bool widens = needs_wide && !string->is_wide();
  if (!widens && !is_growable(as<Bytes>(string->bytes))) return 0;
  return u64{string->length} * (widens ? 4 : width_of(string));
}

void own_bytes(Heap& heap, String* string, bool needs_wide) {
  const bool widens = needs_wide && !string->is_wide();
  if (!widens && !is_growable(as<Bytes>(string->bytes))) return;
  const u32 width = widens ? 4 : width_of(string);
  const Value bytes = heap.bytes(string->length * width);
  copy_to(as<Bytes>(bytes)->data, width, string, 0, string->length);
  heap.write(string->bytes, bytes);
  if (widens) string->aux |= String::kWide;
}

bool grows_in_place(const String* string, u64 more, bool needs_wide) {
  const auto* bytes = as<Bytes>(string->bytes);
  if ((needs_wide && !string->is_wide()) || !is_growable(bytes)) return false;
  const u64 size = size_of(string);
  return used(bytes) == size && size + more * width_of(string) <= capacity(bytes);
}

void append_chars(Heap& heap, String* string, const String* from, u32 start, u32 end) {
  if (start == end) return;
  u8* to = extend(heap, string, end - start, from->is_wide() && has_wide_char(from, start, end));
  copy_to(to, width_of(string), from, start, end);
  string->length += end - start;
}

void append_char(Heap& heap, String* string, u32 c) {
  u8* to = extend(heap, string, 1, c > 0xff);
  ++string->length;
  if (string->is_wide()) {
    std::memcpy(to, &c, 4);
  } else {
    *to = static_cast<u8>(c);
  }
}

Value snapshot(Heap& heap, const String* string) {
  auto* copy = heap.make<String>(Type::kString, sizeof(String), string->length, string->aux & String::kWide);
  copy->bytes = string->bytes;
  return Value::object(copy);
}

}  // namespace heddle::lisp
