// The part of the language that is written in Lisp: texts, embedded at build time (prelude/embed.cmake).
#pragma once

namespace heddle::lisp {

struct Prelude {
  const char* name;  // nullptr ends the table
  const char* text;
};
extern const Prelude kPreludes[];

}  // namespace heddle::lisp
