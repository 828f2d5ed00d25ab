#include "lisp/sources.h"

#include <algorithm>

namespace heddle::lisp {

namespace {

constexpr std::size_t kLongestName = 200;

// Without the half of a UTF-8 character at the end.
std::string_view cut(std::string_view name) {
  if (name.size() <= kLongestName) return name;
  std::size_t end = kLongestName;
  while (end > 0 && (static_cast<u8>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

}  // namespace

u16 Sources::add(std::string_view whole_name) {
  const std::string_view name = cut(whole_name);
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), name,
                                   [this](u16 source, std::string_view wanted) { return names_[source - 1] < wanted; });
  if (at != sorted_.end() && names_[*at - 1] == name) return *at;
  if (names_.size() + 1 >= kShared) return kShared;
  names_.emplace_back(name);
  const u16 source = static_cast<u16>(names_.size());
  sorted_.insert(at, source);
  return source;
}

std::string_view Sources::name(u16 source) const {
  if (source == 0) return "input";
  return source <= names_.size() ? std::string_view(names_[source - 1]) : "(program)";
}

std::string Sources::place(u16 source, u32 place) const {
  std::string text(name(source));
  text += ':';
  text += std::to_string(place >> 12);
  text += ':';
  text += std::to_string(place & kMaxColumn);
  return text;
}

}  // namespace heddle::lisp
