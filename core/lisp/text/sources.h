// The names of the texts that programs came from, by number: a pair that the reader made, and compiled code, hold the
// number (16 bits) beside a line and a column, and that prints as "file:line:column".
//
// A name keeps its number for the life of the machine, so that a position never prints under another file's name. There
// are 65,534 numbers; texts with further new names all get the last one and print as "(program)". 0 is the text that
// has no name, a port's. Texts are kept for messages, the latest ones, up to some megabytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "heddle/types.h"

namespace heddle::lisp {

// Lines and columns count from 1, columns in characters. What is beyond the bits prints as the last that fits.
constexpr u32 kMaxLine = (1u << 20) - 1;
constexpr u32 kMaxColumn = (1u << 12) - 1;
constexpr u32 packed_place(u32 line, u32 column) {
  return (line < kMaxLine ? line : kMaxLine) << 12 | (column < kMaxColumn ? column : kMaxColumn);
}

class Sources {
 public:
  // The number of a text of that name, cut after 200 bytes; the same name has the same number, and the latest text.
  u16 add(std::string_view name, std::string_view text = {});
  std::string_view name(u16 source) const;
  // "file:line:column"; "input:line:column" for source 0.
  std::string place(u16 source, u32 place) const;

  // The line of the text, without its end and cut after 200 bytes; "" if the text is not kept.
  std::string_view line(u16 source, u32 place) const;

  static constexpr u16 kShared = 0xffff;

 private:
  struct Source {
    std::string name;
    std::string text;
  };
  void keep(u16 source, std::string_view text);

  std::vector<Source> sources_;  // 1, 2, ...
  std::vector<u16> sorted_;      // in the order of their names
  std::vector<u16> kept_;        // those with a text, in the order of coming
  u64 kept_bytes_ = 0;
};

}  // namespace heddle::lisp
