// Ports (R7RS 6.13.3): output. `writeln` is `write` and a newline.
#include <algorithm>
#include <cstring>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/string_arguments.h"
#include "lisp/text/ports.h"
#include "lisp/text/printer.h"
#include "lisp/text/strings.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {

namespace {

void to_console(Machine& machine, const Port* port, std::string_view utf8) {
  if (machine.output == nullptr || utf8.empty()) return;
  const Value environment = machine.is_running() ? machine.current().environment : kFalse;
  machine.output(machine.embedder, environment, utf8, port->is(Port::kError));
}

// Whether that many more characters fit into a string port; charged.
bool text_room(Machine& machine, std::string_view name, const Port* port, u64 more, bool needs_wide) {
  const auto* text = as<String>(port->content);
  charge_items(machine, more / 4);
  if (u64{text->length} + more <= kMaxStringLength && grows_in_place(text, more, needs_wide)) return true;
  return length_of_result(machine, name, text->length + more, needs_wide || text->is_wide() ? 4 : 1);
}

bool write_chars(Machine& machine, std::string_view name, Port* port, const String* from, u32 start, u32 end) {
  if (port->is(Port::kConsole)) {
    charge_items(machine, (end - start) / 2);
    if (!room(machine, name, u64{end - start} * 4)) return false;
    std::string text;
    append_text(text, from, start, end);
    to_console(machine, port, text);
    return true;
  }
  if (!text_room(machine, name, port, end - start, from->is_wide())) return false;
  append_chars(machine.heap(), as<String>(port->content), from, start, end);
  return true;
}

}  // namespace

bool write_text(Machine& machine, std::string_view name, Port* port, std::string_view utf8) {
  if (port->is(Port::kConsole)) {
    to_console(machine, port, utf8);
    return true;
  }
  if (!room(machine, name, 4 * utf8.size())) return false;
  const auto* text = as<String>(machine.heap().string(utf8));
  return write_chars(machine, name, port, text, 0, text->length);
}

namespace {

Port* text_output(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index) {
  return port_argument(machine, name, arguments, count, index, Port::kOutput);
}

// --- Textual output

Value write_datum(Machine& machine, std::string_view name, const Value* arguments, u32 count, Style style,
                  std::string_view behind = {}) {
  Port* port = text_output(machine, name, arguments, count, 1);
  if (port == nullptr) return kRaised;
  if (style == Style::kDisplay && is_string(arguments[0])) {
    const auto* string = as<String>(arguments[0]);
    return write_chars(machine, name, port, string, 0, string->length) ? kUnspecified : kRaised;
  }
  std::string text;
  if (!print(machine, name, text, arguments[0], style)) return kRaised;
  text += behind;
  return write_text(machine, name, port, text) ? kUnspecified : kRaised;
}
Value write(Machine& machine, const Value* arguments, u32 count) {
  return write_datum(machine, "write", arguments, count, Style::kWrite);
}
Value write_shared(Machine& machine, const Value* arguments, u32 count) {
  return write_datum(machine, "write-shared", arguments, count, Style::kWriteShared);
}
Value write_simple(Machine& machine, const Value* arguments, u32 count) {
  return write_datum(machine, "write-simple", arguments, count, Style::kWriteSimple);
}
Value display(Machine& machine, const Value* arguments, u32 count) {
  return write_datum(machine, "display", arguments, count, Style::kDisplay);
}
Value writeln(Machine& machine, const Value* arguments, u32 count) {
  return write_datum(machine, "writeln", arguments, count, Style::kWrite, "\n");
}

bool put_char(Machine& machine, std::string_view name, Port* port, u32 c) {
  if (port->is(Port::kConsole)) {
    std::string text;
    append_utf8(text, c);
    to_console(machine, port, text);
    return true;
  }
  if (!text_room(machine, name, port, 1, c > 0xff)) return false;
  append_char(machine.heap(), as<String>(port->content), c);
  return true;
}

Value newline(Machine& machine, const Value* arguments, u32 count) {
  Port* port = text_output(machine, "newline", arguments, count, 0);
  if (port == nullptr) return kRaised;
  return put_char(machine, "newline", port, '\n') ? kUnspecified : kRaised;
}

Value write_char(Machine& machine, const Value* arguments, u32 count) {
  u32 c = 0;
  if (!char_argument(machine, "write-char", arguments, 0, c)) return kRaised;
  Port* port = text_output(machine, "write-char", arguments, count, 1);
  if (port == nullptr) return kRaised;
  return put_char(machine, "write-char", port, c) ? kUnspecified : kRaised;
}

// (write-string string [port [start [end]]])
Value write_string(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!string_argument(machine, "write-string", arguments, 0)) return kRaised;
  const auto* string = as<String>(arguments[0]);
  Port* port = text_output(machine, "write-string", arguments, count, 1);
  if (port == nullptr || !range_arguments(machine, "write-string", arguments, count, 2, string->length, range)) {
    return kRaised;
  }
  return write_chars(machine, "write-string", port, string, range.start, range.end) ? kUnspecified : kRaised;
}

Value open_output_string(Machine& machine, const Value*, u32) {
  return make_port(machine.heap(), Port::kOutput, machine.heap().string(""));
}

// A port that collects: of open-output-string or open-output-bytevector, open or closed.
Port* collector(Machine& machine, std::string_view name, const Value* arguments, u16 flags, std::string_view expected) {
  constexpr u16 kLooked = Port::kInput | Port::kOutput | Port::kBinary | Port::kConsole;
  const Value value = arguments[0];
  if (is_a(value, Type::kPort) && (value.to_object()->aux & kLooked) == flags) return as<Port>(value);
  machine.type_error(name, 1, expected, value);
  return nullptr;
}

Value get_output_string(Machine& machine, const Value* arguments, u32) {
  const Port* port = collector(machine, "get-output-string", arguments, Port::kOutput, "a string output port");
  return port == nullptr ? kRaised : snapshot(machine.heap(), as<String>(port->content));
}

// Nothing is held back anywhere.
Value flush(Machine& machine, const Value* arguments, u32 count) {
  if (count > 0 && is_a(arguments[0], Type::kPort) && as<Port>(arguments[0])->is(Port::kBinary)) {
    const u16 flags = Port::kOutput | Port::kBinary;
    return port_argument(machine, "flush-output-port", arguments, count, 0, flags) == nullptr ? kRaised : kUnspecified;
  }
  return text_output(machine, "flush-output-port", arguments, count, 0) == nullptr ? kRaised : kUnspecified;
}

// --- Binary output

bool write_bytes(Machine& machine, std::string_view name, Port* port, const u8* from, u32 size) {
  const u64 needed = u64{port->used} + size;
  if (needed > as<Bytes>(port->content)->length) {
    const u64 capacity = std::min<u64>(std::max<u64>(32, needed + needed / 2), kMaxElements);
    if (needed > kMaxElements) {
      machine.heap_error(name, needed);
      return false;
    }
    if (!room(machine, name, capacity)) return false;
    charge_items(machine, port->used / 8);
    const Value larger = machine.heap().bytes(static_cast<u32>(capacity));
    std::memcpy(as<Bytes>(larger)->data, as<Bytes>(port->content)->data, port->used);
    machine.heap().write(port->content, larger);
  }
  std::memcpy(as<Bytes>(port->content)->data + port->used, from, size);
  port->used += size;
  return true;
}

Value write_u8(Machine& machine, const Value* arguments, u32 count) {
  u64 byte = 0;
  if (!integer_argument(machine, "write-u8", arguments, 0, "a byte", 255, byte)) return kRaised;
  Port* port = port_argument(machine, "write-u8", arguments, count, 1, Port::kOutput | Port::kBinary);
  const u8 data = static_cast<u8>(byte);
  return port != nullptr && write_bytes(machine, "write-u8", port, &data, 1) ? kUnspecified : kRaised;
}

// (write-bytevector bytevector [port [start [end]]])
Value write_bytevector(Machine& machine, const Value* arguments, u32 count) {
  Range range;
  if (!type_argument(machine, "write-bytevector", arguments, 0, Type::kBytes, "a bytevector")) return kRaised;
  const auto* bytes = as<Bytes>(arguments[0]);
  Port* port = port_argument(machine, "write-bytevector", arguments, count, 1, Port::kOutput | Port::kBinary);
  if (port == nullptr || !range_arguments(machine, "write-bytevector", arguments, count, 2, bytes->length, range)) {
    return kRaised;
  }
  const u8* from = bytes->data + range.start;
  return write_bytes(machine, "write-bytevector", port, from, range.size()) ? kUnspecified : kRaised;
}

Value open_output_bytevector(Machine& machine, const Value*, u32) {
  return make_port(machine.heap(), Port::kOutput | Port::kBinary, machine.heap().bytes(0));
}

Value get_output_bytevector(Machine& machine, const Value* arguments, u32) {
  const Port* port =
      collector(machine, "get-output-bytevector", arguments, Port::kOutput | Port::kBinary, "a bytevector output port");
  if (port == nullptr || !room(machine, "get-output-bytevector", port->used)) return kRaised;
  charge_items(machine, port->used / 8);
  const Value result = machine.heap().bytes(port->used);
  std::memcpy(as<Bytes>(result)->data, as<Bytes>(port->content)->data, port->used);
  return result;
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"display", display, 1, 2},
    {"flush-output-port", flush, 0, 1},
    {"get-output-bytevector", get_output_bytevector, 1, 1},
    {"get-output-string", get_output_string, 1, 1},
    {"newline", newline, 0, 1},
    {"open-output-bytevector", open_output_bytevector, 0, 0},
    {"open-output-string", open_output_string, 0, 0},
    {"write", write, 1, 2},
    {"write-bytevector", write_bytevector, 1, 4},
    {"write-char", write_char, 1, 2},
    {"write-shared", write_shared, 1, 2},
    {"write-simple", write_simple, 1, 2},
    {"write-string", write_string, 1, 4},
    {"write-u8", write_u8, 1, 2},
    {"writeln", writeln, 1, 2},
};

}  // namespace

void define_port_output(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
