// Data of the Lisp in the tests of the core's units: a machine without a fiber, texts to data and back.
#pragma once

#include <string>
#include <string_view>

#include "lisp/machine.h"
#include "lisp/text/printer.h"
#include "lisp/text/reader.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

// "Code: message" of what was raised, with "place: " before it if it has one.
inline std::string raised_text(Machine& machine) {
  if (!is_a(machine.raised(), Type::kCondition)) return "raised " + written(machine.raised());
  const auto* condition = as<Condition>(machine.raised());
  return displayed(condition->code) + ": " + displayed(condition->message);
}

// All data of a program's text as `write` prints them, one behind the other; an error as "Code place: message".
inline std::string read_all(Machine& machine, std::string_view text) {
  Reader reader(machine, text, machine.sources().add("t"));
  std::string result;
  for (;;) {
    const Value datum = reader.read();
    if (datum == kEof) return result;
    if (!result.empty()) result += ' ';
    if (datum == kRaised) {
      const ReadFailure& failure = reader.failure();
      return result + raised_text(machine) + " [" + std::to_string(failure.line) + ":" +
             std::to_string(failure.column) + "]";
    }
    print(result, datum, Style::kWrite);
  }
}

// The first datum of a text that is right.
inline Value datum(Machine& machine, std::string_view text) {
  return Reader(machine, text, machine.sources().add("t")).read();
}

}  // namespace heddle::lisp
