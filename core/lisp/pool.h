// Objects that live as long as their pool and stay where they are: what an expansion or a compilation makes. They are
// made some at a time. (std::deque does this too, with a kilobyte of WebAssembly for each type.)
#pragma once

#include <memory>
#include <vector>

namespace heddle::lisp {

template <typename T>
class Pool {
 public:
  T& emplace_back() {
    if (size_ % kChunk == 0) chunks_.push_back(std::make_unique<T[]>(kChunk));
    return chunks_.back()[size_++ % kChunk];
  }
  // The last one; there is one.
  T& back() { return chunks_.back()[(size_ - 1) % kChunk]; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kChunk = 16;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace heddle::lisp
