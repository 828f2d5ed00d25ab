// See json_text.h.
#include "json_text.h"

namespace heddle::wasm {

void JsonText::begin(const char* key) {
  if (!text_.empty() && text_.back() != '{' && text_.back() != '[') text_ += ',';
  if (key == nullptr) return;
  text_ += '"';
  text_ += key;
  text_ += "\":";
}

void JsonText::open(char bracket, const char* key) {
  begin(key);
  text_ += bracket;
}

void JsonText::close(char bracket) { text_ += bracket; }

void JsonText::integer(const char* key, i64 value) {
  begin(key);
  text_ += std::to_string(value);
}

void JsonText::milliseconds(const char* key, Time time) {
  const u64 size = time < 0 ? 0 - static_cast<u64>(time) : static_cast<u64>(time);
  begin(key);
  if (time < 0) text_ += '-';
  text_ += std::to_string(size / 1000);
  text_ += '.';
  for (u64 place = 100; place != 0; place /= 10) text_ += static_cast<char>('0' + size / place % 10);
}

void JsonText::name(const char* key, const char* text) {
  begin(key);
  text_ += '"';
  text_ += text;
  text_ += '"';
}

}  // namespace heddle::wasm
