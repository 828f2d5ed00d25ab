// Evaluation: eval and its environments (R7RS 6.12), and what runs programs.
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/compiler/compiler.h"
#include "lisp/expander/environment.h"
#include "lisp/expander/expander.h"
#include "lisp/expander/libraries.h"
#include "lisp/program.h"
#include "lisp/text/printer.h"
#include "lisp/text/reader.h"

namespace heddle::lisp {
namespace {

Value current_environment(Machine& machine) {
  const Value environment = machine.is_running() ? machine.current().environment : kFalse;
  return is_a(environment, Type::kEnvironment) ? environment : machine.core();
}

// A program's environment that has no imports, and the libraries of the program that runs.
Value empty_environment(Machine& machine) {
  Heap& heap = machine.heap();
  const Value imports = make_environment(heap, EnvironmentKind::kTable);
  const Value environment = make_environment(heap, EnvironmentKind::kProgram, imports);
  heap.write(as<Environment>(environment)->libraries, as<Environment>(current_environment(machine))->libraries);
  return environment;
}

Value eval(Machine& machine, const Value* arguments, u32 count) {
  if (count > 1 && !type_argument(machine, "eval", arguments, 1, Type::kEnvironment, "an environment")) return kRaised;
  const Value thunk = machine.compile(arguments[0], count > 1 ? arguments[1] : current_environment(machine));
  return thunk == kRaised ? kRaised : machine.tail_call(thunk, nullptr, 0);
}

Value compile_form(Machine& machine, const Value* arguments, u32) {
  return machine.compile(arguments[0], arguments[1]);
}

Value interaction_environment(Machine& machine, const Value*, u32) { return current_environment(machine); }

// The environment is what a program gives that imports these sets: libraries that it needs run first.
Value import_into(Machine& machine, Value environment, Value sets) {
  Heap& heap = machine.heap();
  Arena arena;
  Node* import = expand_top_level(machine, arena, heap.cons(heap.symbol("import"), sets), environment);
  if (import == nullptr) return kRaised;
  Node* result = arena.node(NodeKind::kConstant, {});
  result->value = environment;
  Node* both = arena.node(NodeKind::kSequence, {});
  both->children = {import, result};
  const Value thunk = compile(machine, both);
  return thunk == kRaised ? kRaised : machine.tail_call(thunk, nullptr, 0);
}

Value environment(Machine& machine, const Value* arguments, u32 count) {
  Value sets = kNil;
  for (u32 index = count; index > 0; --index) sets = machine.heap().cons(arguments[index - 1], sets);
  return import_into(machine, empty_environment(machine), sets);
}

Value report_environment(Machine& machine, const Value* arguments, bool is_null) {
  Heap& heap = machine.heap();
  const std::string_view name = is_null ? "null-environment" : "scheme-report-environment";
  if (arguments[0] != Value::fixnum(5)) return machine.range_error(name, 1, "5", arguments[0]);
  const Value library = heap.cons(heap.symbol("scheme"), heap.cons(heap.symbol("r5rs"), kNil));
  const Value result = empty_environment(machine);
  if (!is_null) return import_into(machine, result, heap.cons(library, kNil));
  // Only the syntax.
  const Value found = find_library(machine, machine.core(), library);
  const auto* names = as<Vector>(as<Environment>(as<Library>(found)->exports)->names);
  for (u32 slot = 0; slot < names->length; slot += 2) {
    if (is_a(names->items[slot + 1], Type::kSpecial)) {
      import_binding(heap, result, names->items[slot], names->items[slot + 1]);
    }
  }
  return result;
}

Value null_environment(Machine& machine, const Value* arguments, u32) {
  return report_environment(machine, arguments, true);
}

Value scheme_report_environment(Machine& machine, const Value* arguments, u32) {
  return report_environment(machine, arguments, false);
}

Value features(Machine& machine, const Value*, u32) {
  Heap& heap = machine.heap();
  Value result = kNil;
  for_each_word(kFeatures, [&](std::string_view name) { result = heap.cons(heap.symbol(name), result); });
  return result;
}

Value load_library(Machine& machine, const Value* arguments, u32) {
  auto* library = as<Library>(arguments[0]);
  const Value body = library->body;
  if (!body.is_true()) return kUnspecified;
  machine.heap().write(library->body, kFalse);
  return machine.tail_call(body, nullptr, 0);
}

Value assertion_failed(Machine& machine, const Value* arguments, u32 count) {
  std::string message = "assertion failed: " + shown(arguments[0]);
  for (u32 index = 1; index < count; ++index) {
    message += (index == 1 ? ": " : " ") +
               (is_string(arguments[index]) ? displayed(arguments[index]) : shown(arguments[index]));
  }
  return machine.error("UserError", message);
}

Value read_source(Machine& machine, const Value* arguments, u32) {
  Heap& heap = machine.heap();
  const std::string text = text_of(arguments[0]);
  Reader reader(machine, text, static_cast<u16>(arguments[1].to_fixnum()));
  machine.charge(text.size() / 16);
  Value forms = kNil;
  Value last = kNil;
  for (;;) {
    const Value form = reader.read();
    if (form == kRaised) return kRaised;
    if (form == kEof) break;
    const Value pair = heap.cons(form, kNil);
    if (last.is_nil()) {
      forms = pair;
    } else {
      last.to_pair()->cdr = pair;
    }
    last = pair;
  }
  look_through(machine, forms, arguments[2], text.size(), arguments[3].is_true());
  return forms;
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%assertion-failed", assertion_failed, 1, kAnyCount},
    {"%compile", compile_form, 2, 2},
    {"%load-library", load_library, 1, 1},
    {"%read-source", read_source, 4, 4},
    {"environment", environment, 0, kAnyCount},
    {"eval", eval, 1, 2},
    {"features", features, 0, 0},
    {"interaction-environment", interaction_environment, 0, 0},
    {"null-environment", null_environment, 1, 1},
    {"scheme-report-environment", scheme_report_environment, 1, 1},
};

}  // namespace

void define_eval(Machine& machine) { machine.define(kBuiltins); }

namespace {

// A thunk that calls a procedure of the core.
Value call_later(Machine& machine, std::string_view procedure, std::initializer_list<Value> arguments) {
  Arena arena;
  Node* operation = arena.node(NodeKind::kGlobal, {});
  operation->value = core_cell(machine.heap(), machine.core(), procedure);
  Node* call = arena.node(NodeKind::kCall, {});
  call->children = {operation};
  for (const Value argument : arguments) {
    Node* constant = arena.node(NodeKind::kConstant, {});
    constant->value = argument;
    call->children.push_back(constant);
  }
  return compile(machine, call);
}

}  // namespace

Value make_program(Machine& machine, std::string_view text, u16 source, Value environment, ProgramKind kind) {
  Heap& heap = machine.heap();
  // As a string, and about as much again for the forms that are read from it.
  if (!heap.has_room(text.size() * 8) && !machine.is_running()) machine.make_room(environment);
  if (!heap.has_room(text.size() * 8)) {
    machine.heap_error("the program's text", text.size() * 8);
    return call_later(machine, "raise", {machine.raised()});
  }
  return call_later(
      machine, "%run-source",
      {heap.string(text), Value::fixnum(source), environment, Value::boolean(kind == ProgramKind::kWhole)});
}

}  // namespace heddle::lisp
