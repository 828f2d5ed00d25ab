// Libraries: define-library, import, cond-expand; and the look through a source before its forms are expanded.
#include "lisp/compiler/compiler.h"
#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"
#include "lisp/expander/libraries.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {
namespace {

Environment* view(Value environment) { return as<Environment>(environment); }

// Calls f(symbol, binding) for the names of a table, and for the public ones of the core behind (heddle)'s.
template <typename F>
void for_each_name(Value table, F f) {
  for (; table.is_true(); table = view(table)->imports) {
    const bool is_core = static_cast<EnvironmentKind>(table.to_object()->aux) == EnvironmentKind::kCore;
    const auto* names = as<Vector>(view(table)->names);
    for (u32 slot = 0; slot < names->length; slot += 2) {
      const Value symbol = names->items[slot];
      if (symbol == kUndefined || names->items[slot + 1] == kUndefined || (is_core && is_private(symbol))) continue;
      f(symbol, names->items[slot + 1]);
    }
  }
}

bool is_named(Value value, std::string_view name) {
  if (!Expansion::is_identifier(value)) return false;
  const Value symbol = Expansion::symbol_of(value);
  const auto* text = as<String>(as<Symbol>(symbol)->name);
  return !text->is_wide() &&
         std::string_view(reinterpret_cast<const char*>(as<Bytes>(text->bytes)->data), text->length) == name;
}

}  // namespace

// --- Importing

// The names of an import set, in a table. kRaised after an error; libraries that it meets are added to `libraries`.
Value Expansion::import_set(Value set, Value form, std::vector<Value>& libraries) {
  const Level level(*this, form);
  if (nesting_ > kMaxNesting) return error_value(form, "nested too deeply");
  if (length(set) < 1) return error_value(form, "expected the names of libraries, such as (scheme base)");
  const bool has_inner = length(set) >= 2 && car(cdr(set)).is_pair();
  const bool is_only = has_inner && is_named(car(set), "only");
  const bool is_except = has_inner && is_named(car(set), "except");
  const bool is_prefix = has_inner && is_named(car(set), "prefix");
  const bool is_rename = has_inner && is_named(car(set), "rename");
  const Value result = make_environment(heap_, EnvironmentKind::kTable);
  if (!is_only && !is_except && !is_prefix && !is_rename) {
    const Value name = strip(set);
    const std::string text = shown(name);
    if (const RefusedLibrary* refused = find_refused(text)) {
      machine_.error_at(here_, refused->code, "import: " + text + ": " + std::string(refused->reason), {name});
      return kRaised;
    }
    const Value library = find_library(machine_, environment_, name);
    if (library == kUndefined) return error_value(form, "there is no library " + text);
    libraries.push_back(library);
    for_each_name(as<Library>(library)->exports,
                  [&](Value symbol, Value binding) { bind(heap_, result, symbol, binding); });
    return result;
  }
  const Value inner = import_set(car(cdr(set)), form, libraries);
  if (inner == kRaised) return kRaised;
  Value details = cdr(cdr(set));
  if (is_prefix) {
    if (length(details) != 1 || !is_identifier(car(details))) return error_value(form, "expected (prefix set name)");
    const std::string prefix = displayed(symbol_of(car(details)));
    // Sets within sets make longer names each time.
    u64 size = 0;
    for_each_name(inner,
                  [&](Value symbol, Value) { size += prefix.size() + as<String>(as<Symbol>(symbol)->name)->length; });
    if (!work(size, form)) return kRaised;
    if (!heap_.has_room(2 * size)) return machine_.heap_error("import", 2 * size);
    for_each_name(inner, [&](Value symbol, Value binding) {
      bind(heap_, result, heap_.symbol(prefix + displayed(symbol)), binding);
    });
    return result;
  }
  // What is mentioned must be there; what it is mentioned for depends.
  if (!is_only) {
    for_each_name(inner, [&](Value symbol, Value binding) { bind(heap_, result, symbol, binding); });
  }
  for (Value rest = details; is_rename && rest.is_pair(); rest = cdr(rest)) {
    if (length(car(rest)) != 2 || !is_identifier(car(car(rest))) || !is_identifier(car(cdr(car(rest))))) {
      return error_value(form, "expected (rename set (name new-name) ...)");
    }
    bind(heap_, result, symbol_of(car(car(rest))), kUndefined);
  }
  for (; details.is_pair(); details = cdr(details)) {
    const Value detail = is_rename ? car(car(details)) : car(details);
    if (!is_identifier(detail)) return error_value(form, "expected names");
    const Value symbol = symbol_of(detail);
    const Value binding = find_own(inner, symbol);
    if (binding == kUndefined) return error_value(form, shown(symbol) + " is not among what is imported");
    if (is_except) {
      bind(heap_, result, symbol, kUndefined);
    } else {
      bind(heap_, result, is_rename ? symbol_of(car(cdr(car(details)))) : symbol, binding);
    }
  }
  return result;
}

Node* Expansion::import(Value form) {
  if (static_cast<EnvironmentKind>(environment_.to_object()->aux) == EnvironmentKind::kCore) {
    return error(form, "a prelude imports nothing");
  }
  std::vector<Value> libraries;
  for (Value sets = cdr(form); sets.is_pair(); sets = cdr(sets)) {
    const Value table = import_set(car(sets), form, libraries);
    if (table == kRaised) return nullptr;
    for_each_name(table, [&](Value symbol, Value binding) { import_binding(heap_, environment_, symbol, binding); });
  }
  // Definitions of a library run when it is first imported.
  std::vector<Node*> nodes;
  for (const Value library : libraries) {
    if (as<Library>(library)->body.is_true()) nodes.push_back(core_call("%load-library", {constant(library)}));
  }
  nodes.push_back(unspecified());
  return sequence_of(std::move(nodes));
}

// --- Defining

bool Expansion::library_name(Value name) {
  if (length(name) < 1) return false;
  for (; name.is_pair(); name = cdr(name)) {
    const Value part = car(name);
    if (!is_identifier(part) && !(part.is_fixnum() && part.to_fixnum() >= 0)) return false;
  }
  return true;
}

// The declarations of a library, in order; begin forms go to `inside`, exports are kept for the end.
bool Expansion::declare(Value declarations, Value form, Expansion& inside, LibraryParts& parts) {
  const Level level(*this, form);
  if (nesting_ > kMaxNesting) return error(form, "nested too deeply") != nullptr;
  for (; declarations.is_pair(); declarations = cdr(declarations)) {
    const Value declaration = car(declarations);
    if (length(declaration) < 1) return error(form, "expected declarations such as (export name ...)") != nullptr;
    if (is_named(car(declaration), "export")) {
      for (Value rest = cdr(declaration); rest.is_pair(); rest = cdr(rest)) parts.exports.push_back(car(rest));
    } else if (is_named(car(declaration), "import")) {
      Node* node = inside.import(declaration);
      if (node == nullptr) return false;
      parts.nodes.push_back(node);
    } else if (is_named(car(declaration), "begin")) {
      parts.bodies.push_back(cdr(declaration));
    } else if (is_named(car(declaration), "cond-expand")) {
      Value chosen = kNil;
      if (!choose(declaration, chosen) || !declare(chosen, form, inside, parts)) return false;
    } else if (is_named(car(declaration), "include") || is_named(car(declaration), "include-ci") ||
               is_named(car(declaration), "include-library-declarations")) {
      return include(declaration) != nullptr;
    } else {
      return error(declaration, "no declaration of a library") != nullptr;
    }
  }
  return true;
}

Node* Expansion::define_library(Value form) {
  const Value libraries = view(environment_)->libraries;
  if (static_cast<EnvironmentKind>(environment_.to_object()->aux) != EnvironmentKind::kProgram) {
    return error(form, "libraries are defined at the top level of a program");
  }
  if (length(form) < 2 || !library_name(car(cdr(form)))) {
    return error(form, "expected (define-library (name ...) declaration ...)");
  }
  const Value name = strip(car(cdr(form)));
  if (find_library(machine_, machine_.core(), name) != kUndefined || find_refused(shown(name)) != nullptr) {
    return error(form, shown(name) + " is a library of the language");
  }
  const Value imports = make_environment(heap_, EnvironmentKind::kTable);
  const Value environment = make_environment(heap_, EnvironmentKind::kLibrary, imports);
  // It sees the libraries that the program defined so far.
  heap_.write(view(environment)->libraries, libraries);
  Expansion inside(machine_, arena_, environment);
  inside.aliases_ = aliases_;
  inside.here_ = here_;
  LibraryParts parts;
  if (!declare(cdr(cdr(form)), form, inside, parts)) return nullptr;
  for (const Value forms : parts.bodies) {
    for (Value rest = forms; rest.is_pair(); rest = cdr(rest)) {
      Node* node = inside.top_level(car(rest));
      if (node == nullptr) return nullptr;
      parts.nodes.push_back(node);
    }
  }
  const Value exports = make_environment(heap_, EnvironmentKind::kTable);
  for (const Value spec : parts.exports) {
    const bool is_renamed = length(spec) == 3 && is_named(car(spec), "rename");
    const Value inner = is_renamed ? car(cdr(spec)) : spec;
    const Value outer = is_renamed ? car(cdr(cdr(spec))) : spec;
    if (!is_identifier(inner) || !is_identifier(outer)) {
      return error(form, "expected (export name (rename name new-name) ...)");
    }
    const Value binding = find_binding(environment, symbol_of(inner));
    if (binding == kUndefined) return error(form, "exports " + shown(symbol_of(inner)) + ", which it does not define");
    if (find_own(exports, symbol_of(outer)) != kUndefined) {
      return error(form, "exports " + shown(symbol_of(outer)) + " twice");
    }
    bind(heap_, exports, symbol_of(outer), binding);
  }
  const Value body = compile(machine_, sequence_of(std::move(parts.nodes)));
  if (body == kRaised) return nullptr;
  auto* library = heap_.make<Library>(Type::kLibrary, sizeof(Library));
  library->name = name;
  library->exports = exports;
  library->environment = environment;
  library->body = body;
  bind(heap_, libraries, heap_.symbol(written(name)), Value::object(library));
  return unspecified();
}

// --- cond-expand

bool Expansion::has_feature(Value requirement, Value form, bool& result) {
  const Level level(*this, form);
  if (nesting_ > kMaxNesting) return error(form, "nested too deeply") != nullptr;
  result = false;
  if (is_identifier(requirement)) {
    const std::string name = displayed(symbol_of(requirement));
    for_each_word(kFeatures, [&](std::string_view feature) { result = result || feature == name; });
    result = result || is_word(requirement, Form::kElse);
    return true;
  }
  const i64 count = length(requirement);
  if (count >= 1 && (is_named(car(requirement), "and") || is_named(car(requirement), "or"))) {
    const bool is_and = is_named(car(requirement), "and");
    result = is_and;
    for (Value rest = cdr(requirement); result == is_and && rest.is_pair(); rest = cdr(rest)) {
      if (!has_feature(car(rest), form, result)) return false;
    }
    return true;
  }
  if (count == 2 && is_named(car(requirement), "not")) {
    if (!has_feature(car(cdr(requirement)), form, result)) return false;
    result = !result;
    return true;
  }
  if (count == 2 && is_named(car(requirement), "library") && library_name(car(cdr(requirement)))) {
    result = find_library(machine_, environment_, strip(car(cdr(requirement)))) != kUndefined;
    return true;
  }
  return error(form, "expected a feature, (and ...), (or ...), (not ...) or (library (name ...))") != nullptr;
}

bool Expansion::choose(Value form, Value& chosen) {
  chosen = kNil;
  for (Value clauses = cdr(form); clauses.is_pair(); clauses = cdr(clauses)) {
    if (length(car(clauses)) < 1) return error(form, "expected clauses (requirement form ...)") != nullptr;
    bool result = false;
    if (!has_feature(car(car(clauses)), form, result)) return false;
    if (!result) continue;
    chosen = cdr(car(clauses));
    return true;
  }
  return true;
}

Value Expansion::cond_expand(Value form) {
  Value chosen = kNil;
  return choose(form, chosen) ? cons_like(form, core_identifier("begin"), chosen) : kRaised;
}

// --- Before the first form

void look_through(Machine& machine, Value forms, Value environment, u64 size, bool is_whole) {
  Heap& heap = machine.heap();
  const auto starts = [](Value form, std::string_view name) { return form.is_pair() && is_named(car(form), name); };
  // A program that begins with an import sees only what it imports.
  if (is_whole && forms.is_pair() && starts(car(forms), "import")) {
    heap.write(view(view(environment)->imports)->imports, kFalse);
  }

  const auto note = [&](Value target) {
    if (target.is_pair()) target = car(target);
    if (is_symbol(target)) note_change(heap, environment, target);
  };
  // The text has no more pairs than characters, and some are looked at twice; what seems to have more goes round, and
  // is no program.
  const u64 most = 2 * size + 16;
  u64 left = most;
  const auto goes_on = [&left](Value list) {
    if (!list.is_pair() || left == 0) return false;
    --left;
    return true;
  };
  std::vector<Value> pending;
  const auto push_all = [&](Value list, bool is_top) {
    for (; goes_on(list); list = cdr(list)) {
      const Value item = car(list);
      if (!item.is_pair() || starts(item, "quote")) continue;
      const Value rest = cdr(item);
      if (is_top && rest.is_pair()) {
        if (starts(item, "define") || starts(item, "define-syntax")) {
          note(car(rest));
        } else if (starts(item, "define-values")) {
          Value formals = car(rest);
          for (; goes_on(formals); formals = cdr(formals)) note(car(formals));
          note(formals);
        } else if (starts(item, "define-record-type")) {
          // The type, its constructor and predicate, then accessors and modifiers.
          for (Value part = rest; goes_on(part); part = cdr(part)) {
            note(car(part));
            if (!car(part).is_pair()) continue;
            for (Value name = cdr(car(part)); goes_on(name); name = cdr(name)) note(car(name));
          }
        }
      }
      pending.push_back(item);
    }
  };
  push_all(forms, true);
  while (!pending.empty() && left > 0) {
    const Value form = pending.back();
    pending.pop_back();
    if (starts(form, "set!") && cdr(form).is_pair()) note(car(cdr(form)));
    push_all(cdr(form), starts(form, "begin") || starts(form, "cond-expand"));
    if (goes_on(car(form))) pending.push_back(car(form));
  }
  machine.charge(most - left);
}

}  // namespace heddle::lisp
