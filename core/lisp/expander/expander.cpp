#include "lisp/expander/expander.h"

#include <algorithm>

#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"
#include "lisp/expander/syntax_rules.h"

namespace heddle::lisp {
Node* expand_top_level(Machine& machine, Arena& arena, Value form, Value environment) {
  return Expansion(machine, arena, environment).top_level(form);
}

// --- Identifiers

Value Expansion::symbol_of(Value identifier) {
  while (!is_symbol(identifier)) identifier = as<Alias>(identifier)->name;
  return identifier;
}

bool Expansion::is_keyword(Value symbol) {
  const auto* name = as<String>(as<Symbol>(symbol)->name);
  if (name->length < 2) return false;
  const u8* data = as<Bytes>(name->bytes)->data;
  return data[0] == ':' && (!name->is_wide() || (data[1] | data[2] | data[3]) == 0);
}

Meaning Expansion::meaning(Value identifier) { return meaning_in(identifier, here()); }

Meaning Expansion::meaning_in(Value identifier, Value environment) {
  for (;;) {
    if (environment.is_fixnum()) {
      if (const u64* word = innermost_.find(identifier)) {
        auto* binding = reinterpret_cast<Binding*>(static_cast<std::uintptr_t>(*word));
        while (binding != nullptr && binding->depth > environment.to_fixnum()) binding = binding->outer;
        if (binding != nullptr) return {binding, kFalse, kFalse, kUndefined};
      }
    }
    if (is_symbol(identifier)) break;
    environment = as<Alias>(identifier)->environment;
    identifier = as<Alias>(identifier)->name;
  }
  if (environment.is_fixnum()) environment = environment_;
  return {nullptr, environment, identifier, find_binding(environment, identifier)};
}

bool Expansion::same_meaning(const Meaning& a, const Meaning& b) const {
  if (a.local != nullptr || b.local != nullptr) return a.local == b.local;
  const auto is_unbound = [](Value global) {
    return global == kUndefined || (is_a(global, Type::kCell) && as<Cell>(global)->value == kUndefined);
  };
  if (is_unbound(a.global) || is_unbound(b.global)) {
    return is_unbound(a.global) && is_unbound(b.global) && a.symbol == b.symbol;
  }
  if (a.global == b.global) return true;
  // Two programs' copies of one procedure of the language.
  return is_a(a.global, Type::kCell) && is_a(b.global, Type::kCell) &&
         as<Cell>(a.global)->name == as<Cell>(b.global)->name &&
         (as<Cell>(a.global)->aux & as<Cell>(b.global)->aux & kCellIsConstant) != 0;
}

bool Expansion::is_word(Value value, Form form) {
  if (!is_identifier(value)) return false;
  const Meaning found = meaning(value);
  if (found.local != nullptr) return false;
  Value global = found.global;
  // A program that did not import a word may use it all the same, unless it means something else there.
  if (global == kUndefined) global = find_own(machine_.core(), found.symbol);
  return is_a(global, Type::kSpecial) && as<lisp::Special>(global)->form == Value::fixnum(static_cast<i64>(form));
}

Value Expansion::rename(Value identifier, Value environment) {
  auto* alias = heap_.make<Alias>(Type::kAlias, sizeof(Alias));
  alias->name = identifier;
  alias->environment = environment;
  ++aliases_;
  return Value::object(alias);
}

Value Expansion::core_identifier(std::string_view name) { return rename(heap_.symbol(name), machine_.core()); }

// --- Errors and limits

Value Expansion::error_value(Value form, std::string_view message) {
  note_position(form);
  std::string text;
  if (form.is_pair() && is_identifier(car(form))) text = shown(symbol_of(car(form))) + ": ";
  text += message;
  return machine_.error_at(here_, "SyntaxError", text, {strip(form)});
}

Node* Expansion::error(Value form, std::string_view message) {
  error_value(form, message);
  return nullptr;
}

bool Expansion::work(u64 steps, Value form) {
  work_ += steps;
  machine_.charge(steps);
  if (work_ > kMaxWork) {
    error(form, "expanding this form takes too much work");
    return false;
  }
  return true;
}

void Expansion::note_position(Value form) {
  if (!form.is_pair()) return;
  const Pair* pair = form.to_pair();
  if (pair->length != 0) here_ = {pair->aux, pair->length};
}

bool is_circular(Value list) {
  Value slow = list;
  for (bool is_odd = false; list.is_pair(); is_odd = !is_odd) {
    list = cdr(list);
    if (is_odd) slow = cdr(slow);
    if (slow == list && list.is_pair()) return true;
  }
  return false;
}

i64 Expansion::length(Value list) {
  i64 count = 0;
  Value slow = list;
  while (list.is_pair()) {
    list = cdr(list);
    if ((++count & 1) == 0) slow = cdr(slow);
    if (list == slow && list.is_pair()) return -1;
  }
  work_ += static_cast<u64>(count);
  machine_.charge(static_cast<u64>(count) / 8);
  return list.is_nil() ? count : -1;
}

// --- Scopes

void Expansion::open_scope() {
  ++depth_;
  scopes_.emplace_back();
}

void Expansion::close_scope() {
  for (const Binding* binding : scopes_.back().bindings) {
    innermost_[binding->identifier] = reinterpret_cast<std::uintptr_t>(binding->outer);
  }
  scopes_.pop_back();
  --depth_;
}

Binding* Expansion::bind_here(Value identifier, Value form) {
  if (!is_identifier(identifier)) {
    error(form, "expected a name to bind, got " + shown(strip(identifier)));
    return nullptr;
  }
  u64& word = innermost_[identifier];
  auto* outer = reinterpret_cast<Binding*>(static_cast<std::uintptr_t>(word));
  if (outer != nullptr && outer->depth == depth_) {
    error(form, shown(symbol_of(identifier)) + " is bound twice");
    return nullptr;
  }
  Binding& binding = bindings_.emplace_back();
  binding.identifier = identifier;
  binding.depth = depth_;
  binding.outer = outer;
  word = reinterpret_cast<std::uintptr_t>(&binding);
  scopes_[depth_ - 1].bindings.push_back(&binding);
  return &binding;
}

Variable* Expansion::bind_variable(Value identifier, Value form) {
  Binding* binding = bind_here(identifier, form);
  if (binding == nullptr) return nullptr;
  return binding->variable = arena_.variable(symbol_of(identifier));
}

// --- Nodes

Node* Expansion::node(NodeKind kind, std::initializer_list<Node*> children) {
  Node* result = arena_.node(kind, here_);
  result->value = kFalse;
  result->children = children;
  return result;
}

Node* Expansion::local(Variable* variable) {
  Node* result = arena_.node(NodeKind::kLocal, here_);
  result->variable = variable;
  return result;
}

Node* Expansion::core_reference(std::string_view name) {
  Node* result = arena_.node(NodeKind::kGlobal, here_);
  result->value = core_cell(heap_, machine_.core(), name);
  return result;
}

Node* Expansion::core_call(std::string_view name, std::initializer_list<Node*> arguments) {
  Node* result = node(NodeKind::kCall, {core_reference(name)});
  result->children.insert(result->children.end(), arguments);
  return result;
}

Node* Expansion::sequence_of(std::vector<Node*>&& nodes) {
  if (nodes.empty()) return unspecified();
  if (nodes.size() == 1) return nodes[0];
  Node* result = arena_.node(NodeKind::kSequence, here_);
  result->children = std::move(nodes);
  return result;
}

Node* Expansion::sequence(Value forms) {
  std::vector<Node*> nodes;
  for (; forms.is_pair(); forms = cdr(forms)) {
    Node* next = expand(car(forms));
    if (next == nullptr) return nullptr;
    nodes.push_back(next);
  }
  return sequence_of(std::move(nodes));
}

Node* Expansion::thunk(Node* body) { return node(NodeKind::kLambda, {body}); }

// --- Expressions

Value Expansion::keyword_of(Value form) {
  const Value head = car(form);
  if (!is_identifier(head)) return kFalse;
  const Value keyword = meaning(head).keyword();
  return is_a(keyword, Type::kMacro) || is_a(keyword, Type::kSpecial) ? keyword : kFalse;
}

Value Expansion::expand_macro(Value form, Value macro) {
  note_position(form);
  if (++expansions_ > kMaxExpansions) return error_value(form, "macros expand without end");
  if (!heap_.has_room(u64{1} << 16)) return machine_.heap_error("macro expansion", u64{1} << 16);
  return apply_macro(*this, *as<Macro>(macro), form);
}

bool Expansion::splices(Value form) {
  if (++expansions_ <= kMaxExpansions) return true;
  error(form, "forms within begin without end");
  return false;
}

// Text that shares parts, and macros, can make more nodes than there is memory for. How many may be does not depend on
// what the heap holds just now, so that a form is refused always at the same step.
bool Expansion::has_room_for_nodes(Value form) {
  constexpr u64 kBytesPerNode = 192;
  const u64 bytes = arena_.nodes() * kBytesPerNode;
  if (bytes <= heap_.limit() / 2) return true;
  note_position(form);
  // No heap_error(): garbage has nothing to do with it.
  machine_.error_at(here_, "HeapLimit", "a form makes more code than half the limit of the heap");
  return false;
}

// Levels that what a form comes to has beyond the form's own: procedures around its parts, which the compiler goes
// into.
static u32 levels_within(Form form) {
  switch (form) {
    case Form::kLambda:
    case Form::kCaseLambda:
    case Form::kParameterize:
    case Form::kGuard: return 1;
    case Form::kDelay:
    case Form::kDelayForce: return 2;
    default: return 0;
  }
}

Node* Expansion::expand(Value form) {
  const Level level(*this, form);
  if (nesting_ > kMaxNesting) return error(form, "nested too deeply");
  if (!has_room_for_nodes(form)) return nullptr;
  for (;;) {
    if (is_identifier(form)) return reference(form);
    if (!form.is_pair()) {
      if (form.is_nil()) return error(form, "() is not an expression; the empty list is '()");
      return constant(strip(form));
    }
    const Value keyword = keyword_of(form);
    if (!keyword.is_true()) return call(form);
    if (is_a(keyword, Type::kMacro)) {
      form = expand_macro(form, keyword);
      if (form == kRaised) return nullptr;
      continue;
    }
    note_position(form);
    if (length(form) < 0) return error(form, "not a proper list");
    const Special& special = kSpecials[as<lisp::Special>(keyword)->form.to_fixnum()];
    if (is_rewriting(special.form)) {
      form = rewrite(form, special.form);
      if (form == kRaised) return nullptr;
      continue;
    }
    if (special.expand == nullptr) {
      return error(form, special.form <= Form::kBegin ? "a definition where an expression is expected"
                                                      : "has no meaning outside of the form that it belongs to");
    }
    nesting_ += levels_within(special.form);
    return (this->*special.expand)(form);
  }
}

Node* Expansion::expand_named(Value form, Value name) {
  Node* result = expand(form);
  if (result != nullptr && (result->kind == NodeKind::kLambda || result->kind == NodeKind::kCaseLambda) &&
      !result->value.is_true()) {
    result->value = name;
  }
  return result;
}

Node* Expansion::reference(Value identifier) {
  const Meaning found = meaning(identifier);
  if (found.local != nullptr && found.local->variable != nullptr) {
    LetrecGroup* group = found.local->group;
    if (group != nullptr && group->current >= 0) {
      std::vector<u32>& references = group->references[static_cast<u32>(group->current)];
      if (references.empty() || references.back() != found.local->index) references.push_back(found.local->index);
    }
    return local(found.local->variable);
  }
  const Value keyword = found.keyword();
  if (is_a(keyword, Type::kMacro) || is_a(keyword, Type::kSpecial)) {
    return error(identifier, shown(symbol_of(identifier)) + " is syntax, not a variable");
  }
  if (found.global == kUndefined && is_keyword(found.symbol)) return constant(found.symbol);
  Node* result = arena_.node(NodeKind::kGlobal, here_);
  result->value = refer(heap_, found.environment, found.symbol);
  return result;
}

Node* Expansion::call(Value form) {
  note_position(form);
  const i64 count = length(form);
  if (count < 0) return error(form, "a call is a proper list");
  Node* result = arena_.node(NodeKind::kCall, here_);
  result->children.reserve(static_cast<std::size_t>(count));
  for (Value rest = form; rest.is_pair(); rest = cdr(rest)) {
    Node* next = expand(car(rest));
    if (next == nullptr) return nullptr;
    result->children.push_back(next);
  }
  // ((lambda (x) body) value) is a let.
  Node* procedure = result->children[0];
  if (procedure->kind == NodeKind::kLambda && !procedure->has_rest &&
      procedure->variables.size() + 1 == result->children.size()) {
    result->kind = NodeKind::kLet;
    result->variables = std::move(procedure->variables);
    result->children.erase(result->children.begin());
    result->children.push_back(procedure->children[0]);
  }
  return result;
}

// --- Data

Value Expansion::list(std::initializer_list<Value> items, Value tail) {
  for (const Value* item = items.end(); item != items.begin();) tail = heap_.cons(*--item, tail);
  return tail;
}

Value Expansion::cons_like(Value like, Value car, Value cdr) {
  const Value pair = heap_.cons(car, cdr);
  if (like.is_pair()) {
    pair.to_pair()->aux = like.to_pair()->aux;
    pair.to_pair()->length = like.to_pair()->length;
  } else {
    pair.to_pair()->aux = here_.source;
    pair.to_pair()->length = here_.place;
  }
  return pair;
}

Value Expansion::strip(Value datum) {
  if (aliases_ == 0) return datum;
  if (is_a(datum, Type::kAlias)) return symbol_of(datum);
  // Is there any? Each object is looked at once, so that cycles end.
  const auto is_tree = [](Value value) { return value.is_pair() || is_a(value, Type::kVector); };
  if (!is_tree(datum)) return datum;
  IdentityMap copies;
  std::vector<Value> reached{datum};
  copies[datum] = 1;
  bool has_alias = false;
  const auto reach = [&](Value value) {
    if (is_a(value, Type::kAlias)) has_alias = true;
    if (!is_tree(value)) return;
    u64& word = copies[value];
    if (word != 0) return;
    word = 1;
    reached.push_back(value);
  };
  for (std::size_t next = 0; next < reached.size(); ++next) {
    const Value value = reached[next];
    if (value.is_pair()) {
      reach(car(value));
      reach(cdr(value));
    } else {
      const auto* vector = as<Vector>(value);
      for (u32 index = 0; index < vector->length; ++index) reach(vector->items[index]);
    }
  }
  work_ += reached.size();
  machine_.charge(reached.size());
  if (!has_alias) return datum;
  // Then all of it is copied: first the objects, then what they hold.
  for (const Value value : reached) {
    Value copy;
    if (value.is_pair()) {
      copy = cons_like(value, kFalse, kFalse);
    } else {
      copy = heap_.vector(as<Vector>(value)->length, kFalse);
      copy.to_object()->aux = value.to_object()->aux;
    }
    copies[value] = copy.bits();
  }
  const auto copy_of = [&](Value value) {
    if (is_a(value, Type::kAlias)) return symbol_of(value);
    return is_tree(value) ? Value(copies[value]) : value;
  };
  for (const Value value : reached) {
    const Value copy(copies[value]);
    if (value.is_pair()) {
      copy.to_pair()->car = copy_of(car(value));
      copy.to_pair()->cdr = copy_of(cdr(value));
    } else {
      const auto* vector = as<Vector>(value);
      for (u32 index = 0; index < vector->length; ++index)
        as<Vector>(copy)->items[index] = copy_of(vector->items[index]);
    }
  }
  return Value(copies[datum]);
}

}  // namespace heddle::lisp
