// Reads JSON for the control plane: checks all of the text, and hands over the members of the object that it is. What
// lies deeper is checked and passed over. Numbers become the nearest doubles by the core's own reading of decimals, so
// that no strtod is linked. Partners: bindings.cpp, json_text.h (which writes).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heddle::wasm {

// A member whose value is no number is handed over as such. A name may come twice.
class JsonMembers {
 public:
  virtual void number(std::string_view name, double value) = 0;
  virtual void other(std::string_view name) = 0;

 protected:
  ~JsonMembers() = default;
};

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
  // False where the text is no JSON, is no object, or has a number that no double is near to.
  bool read(JsonMembers& members);

 private:
  bool value();
  bool string(std::string* out);
  bool number();
  bool word(std::string_view rest);
  std::string_view digits();
  void skip_space();
  // Passes over that character.
  bool take(char c);

  const char* at_;
  const char* end_;
  std::vector<char> open_;  // the brackets around at_, as they will be closed
  bool is_number_ = false;  // of the last value
  double number_ = 0;
};

}  // namespace heddle::wasm
