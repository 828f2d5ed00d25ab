// What nlohmann_json's lexer asks of the C library, without what the C library brings along: 128-bit floats and the
// whole of printf, 15 KB. wasm/flags.cmake has the linker use these.
#include <cstddef>
#include <string>

#include "heddle/decimal.h"

// By the core's decimals. It reads what JSON calls a number, which is all that the lexer gives it.
extern "C" double __wrap_strtod(const char* text, char** end) {
  const char* at = text;
  const bool is_negative = *at == '-';
  if (is_negative) ++at;
  std::string digits;
  heddle::i64 exponent = 0;
  const auto take_digits = [&] {
    for (; *at >= '0' && *at <= '9'; ++at) digits += *at;
  };
  take_digits();
  if (*at == '.') {
    ++at;
    const std::size_t whole = digits.size();
    take_digits();
    exponent = -static_cast<heddle::i64>(digits.size() - whole);
  }
  if (*at == 'e' || *at == 'E') {
    ++at;
    const bool is_small = *at == '-';
    if (*at == '-' || *at == '+') ++at;
    heddle::i64 scale = 0;
    // Beyond a million it makes no difference, however many digits come before it.
    for (; *at >= '0' && *at <= '9'; ++at) scale = scale < 1'000'000'000 ? scale * 10 + (*at - '0') : scale;
    exponent += is_small ? -scale : scale;
  }
  if (end != nullptr) *end = const_cast<char*>(at);
  const double magnitude = heddle::nearest_double_of_decimal(std::move(digits), exponent);
  return is_negative ? -magnitude : magnitude;
}

// The lexer writes a character of wrong text for a message of its own. The control plane has another one.
extern "C" int __wrap_snprintf(char* to, std::size_t size, const char* /*format*/, ...) {
  if (size > 0) *to = '\0';
  return 0;
}
