// Ports (R7RS 6.13): what they are, and input. Output is in port_output.cpp; what calls procedures back in
// prelude/ports.scm. Files are not here: (scheme file) is refused.
#include "lisp/text/ports.h"

#include <algorithm>
#include <cstring>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/builtins/string_arguments.h"
#include "lisp/expander/environment.h"
#include "lisp/text/reader.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

namespace {

constexpr std::string_view kCurrentInput = "current-input-port";
constexpr std::string_view kCurrentOutput = "current-output-port";
constexpr std::string_view kCurrentError = "current-error-port";

Value current_port(Machine& machine, u16 flags) {
  const std::string_view name = (flags & Port::kInput) != 0 ? kCurrentInput : kCurrentOutput;
  const Value parameter = as<Cell>(core_cell(machine.heap(), machine.core(), name))->value;
  return machine.is_running() ? machine.parameter_value(parameter) : as<Parameter>(parameter)->value;
}

}  // namespace

Value make_port(Heap& heap, u16 flags, Value content) {
  auto* port = heap.make<Port>(Type::kPort, sizeof(Port), 0, flags);
  port->content = content;
  return Value::object(port);
}

Port* port_argument(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index, u16 flags) {
  const Value value = count > index ? arguments[index] : current_port(machine, flags);
  const char* expected = (flags & Port::kInput) == 0    ? ((flags & Port::kBinary) != 0 ? "an open binary output port"
                                                                                        : "an open textual output port")
                         : (flags & Port::kBinary) != 0 ? "an open binary input port"
                                                        : "an open textual input port";
  constexpr u16 kLooked = Port::kInput | Port::kOutput | Port::kBinary | Port::kClosed;
  if (is_a(value, Type::kPort) && (value.to_object()->aux & kLooked) == flags) return as<Port>(value);
  machine.type_error(name, index + 1, expected, value);
  return nullptr;
}

namespace {

// --- What a port is

bool any_port(Machine& machine, std::string_view name, const Value* arguments) {
  return type_argument(machine, name, arguments, 0, Type::kPort, "a port");
}

Value port_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_a(arguments[0], Type::kPort)); }
Value input_port_is(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kPort) && as<Port>(arguments[0])->is(Port::kInput));
}
Value output_port_is(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kPort) && as<Port>(arguments[0])->is(Port::kOutput));
}
Value textual_port_is(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kPort) && !as<Port>(arguments[0])->is(Port::kBinary));
}
Value binary_port_is(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kPort) && as<Port>(arguments[0])->is(Port::kBinary));
}

Value port_is_open(Machine& machine, std::string_view name, const Value* arguments, u16 direction) {
  if (!any_port(machine, name, arguments)) return kRaised;
  const auto* port = as<Port>(arguments[0]);
  if (port->is(direction)) return Value::boolean(!port->is(Port::kClosed));
  return machine.type_error(name, 1, direction == Port::kInput ? "an input port" : "an output port", arguments[0]);
}
Value input_port_is_open(Machine& machine, const Value* arguments, u32) {
  return port_is_open(machine, "input-port-open?", arguments, Port::kInput);
}
Value output_port_is_open(Machine& machine, const Value* arguments, u32) {
  return port_is_open(machine, "output-port-open?", arguments, Port::kOutput);
}

Value close(Machine& machine, std::string_view name, const Value* arguments, u16 direction, std::string_view expected) {
  if (!any_port(machine, name, arguments)) return kRaised;
  auto* port = as<Port>(arguments[0]);
  if (!port->is(direction)) return machine.type_error(name, 1, expected, arguments[0]);
  if (!port->is(Port::kConsole)) port->aux |= Port::kClosed;
  return kUnspecified;
}
Value close_port(Machine& machine, const Value* arguments, u32) {
  return close(machine, "close-port", arguments, 0, "a port");
}
Value close_input_port(Machine& machine, const Value* arguments, u32) {
  return close(machine, "close-input-port", arguments, Port::kInput, "an input port");
}
Value close_output_port(Machine& machine, const Value* arguments, u32) {
  return close(machine, "close-output-port", arguments, Port::kOutput, "an output port");
}

Value eof_object(Machine&, const Value*, u32) { return kEof; }
Value eof_object_is(Machine&, const Value* arguments, u32) { return Value::boolean(arguments[0] == kEof); }

// --- Opening

// Of the text that the string has now.
Value open_input_string(Machine& machine, const Value* arguments, u32) {
  if (!string_argument(machine, "open-input-string", arguments, 0)) return kRaised;
  const auto* string = as<String>(arguments[0]);
  if (!room(machine, "open-input-string", size_of(string))) return kRaised;
  charge_items(machine, size_of(string) / 8);
  return make_port(machine.heap(), Port::kInput, substring(machine.heap(), string, 0, string->length));
}

Value open_input_bytevector(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "open-input-bytevector", arguments, 0, Type::kBytes, "a bytevector")) return kRaised;
  const auto* bytes = as<Bytes>(arguments[0]);
  if (!room(machine, "open-input-bytevector", bytes->length)) return kRaised;
  charge_items(machine, bytes->length / 8);
  const Value copy = machine.heap().bytes(bytes->length);
  std::memcpy(as<Bytes>(copy)->data, bytes->data, bytes->length);
  return make_port(machine.heap(), Port::kInput | Port::kBinary, copy);
}

// --- Textual input

Port* text_input(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index) {
  return port_argument(machine, name, arguments, count, index, Port::kInput);
}

Value read_datum(Machine& machine, const Value* arguments, u32 count) {
  Port* port = text_input(machine, "read", arguments, count, 0);
  if (port == nullptr) return kRaised;
  Reader reader(machine, Text::of(as<String>(port->content), port->at));
  reader.set_folds_case(port->is(Port::kFoldsCase));
  const Value datum = reader.read();
  // Malformed text must not be met again: whoever goes on after an error reads on behind it.
  const bool is_stuck = datum == kRaised && reader.at() == port->at;
  port->at = static_cast<u32>(reader.at()) + (is_stuck ? 1 : 0);
  port->aux = static_cast<u16>((port->aux & ~Port::kFoldsCase) | (reader.folds_case() ? Port::kFoldsCase : 0));
  return datum;
}

Value next_char(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 taken) {
  Port* port = text_input(machine, name, arguments, count, 0);
  if (port == nullptr) return kRaised;
  const auto* text = as<String>(port->content);
  if (port->at >= text->length) return kEof;
  const u32 c = char_at(text, port->at);
  port->at += taken;
  return Value::character(c);
}
Value read_char(Machine& machine, const Value* arguments, u32 count) {
  return next_char(machine, "read-char", arguments, count, 1);
}
Value peek_char(Machine& machine, const Value* arguments, u32 count) {
  return next_char(machine, "peek-char", arguments, count, 0);
}

Value char_is_ready(Machine& machine, const Value* arguments, u32 count) {
  return text_input(machine, "char-ready?", arguments, count, 0) == nullptr ? kRaised : kTrue;
}

// The characters up to `end`, which are read then.
Value take_text(Machine& machine, std::string_view name, Port* port, u32 end) {
  const auto* text = as<String>(port->content);
  charge_items(machine, (end - port->at) / 4);
  if (!room(machine, name, u64{end - port->at} * width_of(text))) return kRaised;
  const Value result = substring(machine.heap(), text, port->at, end);
  port->at = end;
  return result;
}

// A line ends with a line feed, a carriage return, or both.
Value read_line(Machine& machine, const Value* arguments, u32 count) {
  Port* port = text_input(machine, "read-line", arguments, count, 0);
  if (port == nullptr) return kRaised;
  const auto* text = as<String>(port->content);
  if (port->at >= text->length) return kEof;
  u32 end = port->at;
  while (end < text->length && char_at(text, end) != '\n' && char_at(text, end) != '\r') ++end;
  const Value line = take_text(machine, "read-line", port, end);
  if (line == kRaised || end == text->length) return line;
  port->at = end + 1;
  if (char_at(text, end) == '\r' && end + 1 < text->length && char_at(text, end + 1) == '\n') port->at = end + 2;
  return line;
}

// The number of characters or bytes to read: as many as there are, if there are fewer.
bool count_argument(Machine& machine, std::string_view name, const Value* arguments, u64& out) {
  return integer_argument(machine, name, arguments, 0, "a count", static_cast<u64>(Value::kMaxFixnum), out);
}

Value read_string(Machine& machine, const Value* arguments, u32 count) {
  u64 wanted = 0;
  if (!count_argument(machine, "read-string", arguments, wanted)) return kRaised;
  Port* port = text_input(machine, "read-string", arguments, count, 1);
  if (port == nullptr) return kRaised;
  const u64 left = as<String>(port->content)->length - port->at;
  if (left == 0 && wanted != 0) return kEof;
  return take_text(machine, "read-string", port, port->at + static_cast<u32>(std::min(left, wanted)));
}

// --- Binary input

Port* binary_input(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index) {
  return port_argument(machine, name, arguments, count, index, Port::kInput | Port::kBinary);
}

Value next_byte(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 taken) {
  Port* port = binary_input(machine, name, arguments, count, 0);
  if (port == nullptr) return kRaised;
  const auto* bytes = as<Bytes>(port->content);
  if (port->at >= bytes->length) return kEof;
  const u8 byte = bytes->data[port->at];
  port->at += taken;
  return Value::fixnum(byte);
}
Value read_u8(Machine& machine, const Value* arguments, u32 count) {
  return next_byte(machine, "read-u8", arguments, count, 1);
}
Value peek_u8(Machine& machine, const Value* arguments, u32 count) {
  return next_byte(machine, "peek-u8", arguments, count, 0);
}

Value byte_is_ready(Machine& machine, const Value* arguments, u32 count) {
  return binary_input(machine, "u8-ready?", arguments, count, 0) == nullptr ? kRaised : kTrue;
}

Value read_bytevector(Machine& machine, const Value* arguments, u32 count) {
  u64 wanted = 0;
  if (!count_argument(machine, "read-bytevector", arguments, wanted)) return kRaised;
  Port* port = binary_input(machine, "read-bytevector", arguments, count, 1);
  if (port == nullptr) return kRaised;
  const auto* bytes = as<Bytes>(port->content);
  const u32 size = static_cast<u32>(std::min<u64>(bytes->length - port->at, wanted));
  if (size == 0 && wanted != 0) return kEof;
  charge_items(machine, size / 8);
  if (!room(machine, "read-bytevector", size)) return kRaised;
  const Value result = machine.heap().bytes(size);
  std::memcpy(as<Bytes>(result)->data, bytes->data + port->at, size);
  port->at += size;
  return result;
}

// (read-bytevector! to [port [start [end]]])
Value read_into(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!type_argument(machine, "read-bytevector!", arguments, 0, Type::kBytes, "a bytevector")) return kRaised;
  auto* to = as<Bytes>(arguments[0]);
  Port* port = binary_input(machine, "read-bytevector!", arguments, count, 1);
  if (port == nullptr || !range_arguments(machine, "read-bytevector!", arguments, count, 2, to->length, range)) {
    return kRaised;
  }
  const auto* bytes = as<Bytes>(port->content);
  const u32 size = std::min(bytes->length - port->at, range.size());
  if (size == 0 && range.size() != 0) return kEof;
  std::memcpy(to->data + range.start, bytes->data + port->at, size);
  port->at += size;
  return Value::fixnum(size);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"binary-port?", binary_port_is, 1, 1},
    {"char-ready?", char_is_ready, 0, 1},
    {"close-input-port", close_input_port, 1, 1},
    {"close-output-port", close_output_port, 1, 1},
    {"close-port", close_port, 1, 1},
    {"eof-object", eof_object, 0, 0},
    {"eof-object?", eof_object_is, 1, 1},
    {"input-port-open?", input_port_is_open, 1, 1},
    {"input-port?", input_port_is, 1, 1},
    {"open-input-bytevector", open_input_bytevector, 1, 1},
    {"open-input-string", open_input_string, 1, 1},
    {"output-port-open?", output_port_is_open, 1, 1},
    {"output-port?", output_port_is, 1, 1},
    {"peek-char", peek_char, 0, 1},
    {"peek-u8", peek_u8, 0, 1},
    {"port?", port_is, 1, 1},
    {"read", read_datum, 0, 1},
    {"read-bytevector", read_bytevector, 1, 2},
    {"read-bytevector!", read_into, 1, 4},
    {"read-char", read_char, 0, 1},
    {"read-line", read_line, 0, 1},
    {"read-string", read_string, 1, 2},
    {"read-u8", read_u8, 0, 1},
    {"textual-port?", textual_port_is, 1, 1},
    {"u8-ready?", byte_is_ready, 0, 1},
};

}  // namespace

void define_ports(Machine& machine) {
  Heap& heap = machine.heap();
  const auto define_parameter = [&](std::string_view name, u16 flags) {
    auto* parameter = heap.make<Parameter>(Type::kParameter);
    parameter->value = make_port(heap, flags | Port::kConsole, heap.string(""));
    parameter->converter = kFalse;
    heap.write(as<Cell>(core_cell(heap, machine.core(), name))->value, Value::object(parameter));
  };
  define_parameter(kCurrentInput, Port::kInput);
  define_parameter(kCurrentOutput, Port::kOutput);
  define_parameter(kCurrentError, Port::kOutput | Port::kError);
  machine.define(kBuiltins);
  define_port_output(machine);
}

}  // namespace heddle::lisp
