// The libraries of the language: which names belong to (scheme base) and the others, and which are refused.
//
// All of them have their bindings from the core; (heddle) exports every public name of it. The libraries that a program
// defines are in its environment.
#pragma once

#include <string_view>

#include "lisp/machine.h"

namespace heddle::lisp {

struct LanguageLibrary {
  std::string_view name;   // as written
  std::string_view names;  // separated by spaces; empty: all public names of the core
};

// In the order of their names.
extern const LanguageLibrary kLanguageLibraries[];
extern const std::size_t kLanguageLibraryCount;

// Feature identifiers (R7RS appendix B), separated by spaces.
extern const std::string_view kFeatures;

// Calls f(std::string_view) for each of the names in such a list.
template <typename F>
void for_each_word(std::string_view words, F f) {
  while (!words.empty()) {
    const std::size_t end = words.find(' ');
    f(words.substr(0, end));
    words = end == std::string_view::npos ? std::string_view() : words.substr(end + 1);
  }
}

// Why a program cannot import a library of that name: a code and a reason; nullptr if there is none such.
struct RefusedLibrary {
  std::string_view name;
  std::string_view code;
  std::string_view reason;
};
const RefusedLibrary* find_refused(std::string_view name);

// The Library of that name that a program, whose environment this is, can import: its own, or one of the language's.
// kUndefined if there is none.
Value find_library(Machine& machine, Value environment, Value name);

}  // namespace heddle::lisp
