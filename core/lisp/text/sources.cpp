#include "lisp/text/sources.h"

#include <algorithm>

namespace heddle::lisp {

namespace {

constexpr std::size_t kLongest = 200;                       // of a name, and of a line that is shown
constexpr std::size_t kLongestText = std::size_t{1} << 20;  // longer ones are not kept
constexpr u64 kKeptBytes = u64{4} << 20;                    // of all texts
constexpr std::size_t kKeptTexts = 64;

// Without the half of a UTF-8 character at the end.
std::string_view cut(std::string_view text) {
  if (text.size() <= kLongest) return text;
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<u8>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

u16 Sources::add(std::string_view whole_name, std::string_view text) {
  const std::string_view name = cut(whole_name);
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), name, [this](u16 source, std::string_view wanted) {
    return sources_[source - 1].name < wanted;
  });
  if (at != sorted_.end() && sources_[*at - 1].name == name) {
    const u16 source = *at;
    keep(source, text);
    return source;
  }
  if (sources_.size() + 1 >= kShared) return kShared;
  sources_.push_back({std::string(name), {}});
  const u16 source = static_cast<u16>(sources_.size());
  sorted_.insert(at, source);
  keep(source, text);
  return source;
}

void Sources::keep(u16 source, std::string_view text) {
  const auto drop = [this](std::size_t index) {
    std::string& old = sources_[kept_[index] - 1].text;
    kept_bytes_ -= old.size();
    old = {};
    kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(index));
  };
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (kept_[i] != source) continue;
    drop(i);
    break;
  }
  if (text.empty() || text.size() > kLongestText) return;
  while (kept_.size() == kKeptTexts || kept_bytes_ + text.size() > kKeptBytes) drop(0);
  sources_[source - 1].text = text;
  kept_.push_back(source);
  kept_bytes_ += text.size();
}

std::string_view Sources::name(u16 source) const {
  if (source == 0) return "input";
  return source <= sources_.size() ? std::string_view(sources_[source - 1].name) : "(program)";
}

std::string Sources::place(u16 source, u32 place) const {
  std::string text(name(source));
  text += ':';
  text += std::to_string(place >> 12);
  text += ':';
  text += std::to_string(place & kMaxColumn);
  return text;
}

// Lines end as the reader counts them.
std::string_view Sources::line(u16 source, u32 place) const {
  if (source == 0 || source > sources_.size()) return {};
  std::string_view text = sources_[source - 1].text;
  for (u32 line = place >> 12; line > 1; --line) {
    const std::size_t end = text.find_first_of("\r\n");
    if (end == std::string_view::npos) return {};
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return cut(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace heddle::lisp
