// RFC 8259. Nesting lies in open_, so its depth is bounded by memory and not by the stack.
#include "json_reader.h"

#include <cmath>

#include "heddle/decimal.h"

namespace heddle::wasm {

namespace {

// The value of a hexadecimal digit, or 16.
unsigned hex(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10) : 16;
}

}  // namespace

bool JsonReader::read(JsonMembers& members) {
  skip_space();
  if (!take('{')) return false;
  open_.push_back('}');
  std::string name;
  bool is_first = true;
  while (true) {
    skip_space();
    // Behind a value, and at the beginning of an object or an array.
    if (take(open_.back())) {
      open_.pop_back();
      is_first = false;
      if (open_.empty()) break;
      if (open_.size() == 1) members.other(name);
      continue;
    }
    if (!is_first) {
      if (!take(',')) return false;
      skip_space();
    }
    if (open_.back() == '}') {
      if (!string(open_.size() == 1 ? &name : nullptr)) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
    }
    const bool is_object = take('{');
    if (is_object || take('[')) {
      open_.push_back(is_object ? '}' : ']');
      is_first = true;
      continue;
    }
    is_first = false;
    if (!value()) return false;
    if (open_.size() != 1) continue;
    if (is_number_) {
      members.number(name, number_);
    } else {
      members.other(name);
    }
  }
  skip_space();
  return at_ == end_;
}

bool JsonReader::value() {
  is_number_ = false;
  if (at_ == end_) return false;
  switch (*at_) {
    case '"': return string(nullptr);
    case 't': return word("true");
    case 'f': return word("false");
    case 'n': return word("null");
    default: return number();
  }
}

// What is not ASCII is of interest to nobody: it becomes a byte that no text has.
bool JsonReader::string(std::string* out) {
  if (out != nullptr) out->clear();
  if (!take('"')) return false;
  while (at_ != end_) {
    char c = *at_++;
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c == '\\') {
      if (at_ == end_) return false;
      static constexpr std::string_view kLetters = "\"\\/bfnrtu";
      static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
      const std::size_t letter = kLetters.find(*at_++);
      if (letter == std::string_view::npos) return false;
      if (letter < kMeanings.size()) {
        c = kMeanings[letter];
      } else {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
          if (at_ == end_ || hex(*at_) == 16) return false;
          code = code * 16 + hex(*at_++);
        }
        c = code < 0x80 ? static_cast<char>(code) : '\xff';
      }
    }
    if (out != nullptr) *out += c;
  }
  return false;
}

bool JsonReader::number() {
  const bool is_negative = take('-');
  const std::string_view whole = digits();
  if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return false;
  std::string significant(whole);
  long long exponent = 0;
  if (take('.')) {
    const std::string_view fraction = digits();
    if (fraction.empty()) return false;
    significant += fraction;
    exponent = -static_cast<long long>(fraction.size());
  }
  if (take('e') || take('E')) {
    const bool is_down = take('-');
    if (!is_down) take('+');
    const std::string_view scale = digits();
    if (scale.empty()) return false;
    long long size = 0;
    // Far beyond every double, far below overflow.
    for (const char c : scale) size = size > 1'000'000'000'000 ? size : size * 10 + (c - '0');
    exponent += is_down ? -size : size;
  }
  const double size = nearest_double_of_decimal(std::move(significant), exponent);
  number_ = is_negative ? -size : size;
  is_number_ = true;
  return std::isfinite(number_);
}

bool JsonReader::word(std::string_view rest) {
  if (!std::string_view(at_, end_).starts_with(rest)) return false;
  at_ += rest.size();
  return true;
}

std::string_view JsonReader::digits() {
  const char* begin = at_;
  while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return {begin, at_};
}

void JsonReader::skip_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
}

bool JsonReader::take(char c) {
  if (at_ == end_ || *at_ != c) return false;
  ++at_;
  return true;
}

}  // namespace heddle::wasm
