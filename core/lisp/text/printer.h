// The printer: data to text. `write` gives datum labels to what is part of a cycle, `write-shared` to everything that
// is met twice, `write-simple` to nothing; `display` is `write` with strings and characters plain. What has no external
// representation prints as #<kind name>, without addresses, so that the text is the same in every run.
//
// Nothing here recurses over data. Data that share parts can be exponentially longer as text, so output has a limit.
//
// Partner: reader.h. A symbol prints with bars where the reader would take its name for something else.
#pragma once

#include <string>

#include "lisp/machine.h"

namespace heddle::lisp {

enum class Style : u8 { kWrite, kWriteShared, kWriteSimple, kDisplay };

// The longest text of one datum, in bytes, whatever the heap's limit.
constexpr u64 kLongestOutput = u64{64} << 20;

// Appends the text of a value, in UTF-8; at most about `limit` bytes. False: it is longer, and cut there.
bool print(std::string& out, Value value, Style style, u64 limit = kLongestOutput);

// The same, charged to the machine, and no longer than the heap has room for: false where it raised HeapLimit.
// `procedure` is the one to name then.
bool print(Machine& machine, std::string_view procedure, std::string& out, Value value, Style style);

std::string written(Value value);
std::string displayed(Value value);
// For messages there is shown(), as written, but cut after some 80 characters: see machine.h.

}  // namespace heddle::lisp
