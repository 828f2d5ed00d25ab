// Writes JSON whose keys and strings are our own plain words and whose numbers are integers and times: nothing needs an
// escape, and no printing of doubles is linked. Partner: bindings.cpp.
#pragma once

#include <string>
#include <utility>

#include "heddle/types.h"

namespace heddle::wasm {

// An item without a key (nullptr) is one of an array. What is opened is closed by the caller.
class JsonText {
 public:
  void open(char bracket, const char* key = nullptr);
  void close(char bracket);
  void integer(const char* key, i64 value);
  // In milliseconds, with the microseconds as three decimals: read as the double that is nearest.
  void milliseconds(const char* key, Time time);
  // The text is quoted as it is.
  void name(const char* key, const char* text);
  std::string take() { return std::move(text_); }

 private:
  void begin(const char* key);
  std::string text_;
};

}  // namespace heddle::wasm
