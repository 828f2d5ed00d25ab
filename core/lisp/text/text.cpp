// Strings and symbols, as the heap makes them.
#include <algorithm>

#include "lisp/heap/heap.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {

namespace {

u32 next_character(std::string_view text, std::size_t& at) {
  u32 character = decode_utf8(text, at);
  return character == kNotUtf8 ? kReplacement : character;
}

bool is_ascii(std::string_view text) {
  u8 all = 0;
  for (char c : text) all |= static_cast<u8>(c);
  return all < 0x80;
}

String* with_bytes(Heap& heap, Value bytes, u32 length, u16 aux) {
  auto* string = heap.make<String>(Type::kString, sizeof(String), length, aux);
  string->bytes = bytes;
  return string;
}

}  // namespace

Value Heap::string(std::string_view utf8, bool immutable) {
  u16 aux = immutable ? String::kImmutable : 0;
  auto length = static_cast<u32>(utf8.size());
  if (!is_ascii(utf8)) {
    length = 0;
    u32 largest = 0;
    for (std::size_t at = 0; at < utf8.size(); ++length) largest = std::max(largest, next_character(utf8, at));
    if (largest > 0xff) aux |= String::kWide;
  }
  Value value = bytes((aux & String::kWide) != 0 ? 4 * length : length);
  u8* data = as<Bytes>(value)->data;
  if (length == utf8.size()) {
    if (length != 0) std::memcpy(data, utf8.data(), length);
    return Value::object(with_bytes(*this, value, length, aux));
  }
  u32 index = 0;
  for (std::size_t at = 0; at < utf8.size(); ++index) {
    u32 character = next_character(utf8, at);
    if ((aux & String::kWide) != 0) {
      std::memcpy(data + 4 * static_cast<u64>(index), &character, 4);
    } else {
      data[index] = static_cast<u8>(character);
    }
  }
  return Value::object(with_bytes(*this, value, length, aux));
}

Value Heap::name_of(Value value) {
  auto* string = as<String>(value);
  if (string->is_immutable()) return value;
  auto* text = as<Bytes>(string->bytes);
  u32 size = string->is_wide() ? 4 * string->length : string->length;
  Value copy = bytes(size);
  std::memcpy(as<Bytes>(copy)->data, text->data, size);
  return Value::object(with_bytes(*this, copy, string->length, string->aux | String::kImmutable));
}

Value Heap::symbol(std::string_view utf8) {
  return is_ascii(utf8) ? symbols_.intern(*this, utf8) : symbols_.intern(*this, string(utf8, true));
}

Value Heap::symbol(Value string) { return symbols_.intern(*this, string); }

Value Heap::uninterned(Value string) {
  auto* symbol = make<Symbol>(Type::kSymbol, sizeof(Symbol), 0, 1);
  symbol->name = name_of(string);
  symbol->hash = hash_characters(as<String>(symbol->name));
  return Value::object(symbol);
}

}  // namespace heddle::lisp
