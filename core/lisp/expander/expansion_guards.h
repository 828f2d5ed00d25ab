// What an expansion opens and must close again: a level of its recursion, and a scope.
#pragma once

#include "lisp/expander/expansion.h"

namespace heddle::lisp {

// A level of the recursion, or several, where deepen() says so; positions inside are the form's, and the old one holds
// again after it.
class Expansion::Level {
 public:
  Level(Expansion& expansion, Value form)
      : expansion_(expansion), here_(expansion.here_), nesting_(expansion.nesting_) {
    ++expansion.nesting_;
    expansion.note_position(form);
  }
  ~Level() {
    expansion_.nesting_ = nesting_;
    expansion_.here_ = here_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  Expansion& expansion_;
  const Position here_;
  const u32 nesting_;
};

// A scope inside the one that is open; its bindings end with it.
class Expansion::ScopeGuard {
 public:
  explicit ScopeGuard(Expansion& expansion) : expansion_(expansion) { expansion.open_scope(); }
  ~ScopeGuard() { expansion_.close_scope(); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Expansion& expansion_;
};

}  // namespace heddle::lisp
