// Procedures, bodies and letrec*.
#include <functional>

#include "kernel/compact_sort.h"
#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"
#include "lisp/expander/syntax_rules.h"

namespace heddle::lisp {

Node* Expansion::lambda(Value formals, Value forms, Value form, Value name) {
  const ScopeGuard scope(*this);
  Node* result = arena_.node(NodeKind::kLambda, here_);
  result->value = name;
  for (; formals.is_pair(); formals = cdr(formals)) {
    Variable* variable = bind_variable(car(formals), form);
    if (variable == nullptr) return nullptr;
    result->variables.push_back(variable);
  }
  if (!formals.is_nil()) {
    Variable* variable = bind_variable(formals, form);
    if (variable == nullptr) return nullptr;
    result->variables.push_back(variable);
    result->has_rest = true;
  }
  Node* inside = body(forms, form);
  if (inside == nullptr) return nullptr;
  result->children.push_back(inside);
  return result;
}

bool Expansion::parse_define(Value form, DefineParts& parts) {
  note_position(form);
  const i64 count = length(form);
  if (count < 3) {
    error(form, "expected (define name value) or (define (name argument ...) body ...)");
    return false;
  }
  const Value target = car(cdr(form));
  parts.is_procedure = target.is_pair();
  parts.identifier = target.is_pair() ? car(target) : target;
  if (!is_identifier(parts.identifier) || (!parts.is_procedure && count != 3)) {
    error(form, "expected (define name value) or (define (name argument ...) body ...)");
    return false;
  }
  if (parts.is_procedure) {
    parts.formals = cdr(target);
    parts.body = cdr(cdr(form));
  } else {
    parts.value = car(cdr(cdr(form)));
  }
  return true;
}

Node* Expansion::expand_define_value(const DefineParts& parts, Value form) {
  const Level level(*this, form);
  if (nesting_ > kMaxNesting) return error(form, "nested too deeply");
  const Value name = symbol_of(parts.identifier);
  return parts.is_procedure ? lambda(parts.formals, parts.body, form, name) : expand_named(parts.value, name);
}

Value Expansion::transformer(Value spec, Value name, Value form) {
  for (;;) {
    if (is_identifier(spec)) {
      const Value keyword = meaning(spec).keyword();
      if (is_a(keyword, Type::kMacro) || is_a(keyword, Type::kSpecial)) return keyword;
      break;
    }
    const Value keyword = spec.is_pair() ? keyword_of(spec) : kFalse;
    if (is_a(keyword, Type::kMacro)) {
      spec = expand_macro(spec, keyword);
      if (spec == kRaised) return kRaised;
      continue;
    }
    if (is_a(keyword, Type::kSpecial) &&
        as<lisp::Special>(keyword)->form == Value::fixnum(static_cast<i64>(Form::kSyntaxRules))) {
      return make_macro(*this, spec, symbol_of(name));
    }
    break;
  }
  return error_value(form, "expected (syntax-rules ...)");
}

// The forms of a body, macros at their heads expanded, definitions bound in the innermost scope. Apart from body(), so
// that what is nested needs less of the C++ stack.
bool Expansion::scan_body(Value forms, Value form, std::vector<BodyItem>& items, std::size_t& definitions) {
  const auto fails = [this](Value wrong, std::string_view message) { return error(wrong, message) != nullptr; };
  std::vector<Value> pending{forms};
  while (!pending.empty()) {
    if (!pending.back().is_pair()) {
      if (!pending.back().is_nil()) return fails(form, "the body is not a proper list");
      pending.pop_back();
      continue;
    }
    Value item = car(pending.back());
    pending.back() = cdr(pending.back());
    if (pending.back().is_nil()) pending.pop_back();
    for (;;) {
      if (!work(1, form)) return false;
      const Value keyword = item.is_pair() ? keyword_of(item) : kFalse;
      if (is_a(keyword, Type::kMacro)) {
        item = expand_macro(item, keyword);
        if (item == kRaised) return false;
        continue;
      }
      if (!keyword.is_true()) {
        items.push_back({item, false, nullptr, nullptr, {}});
        break;
      }
      const Form which = static_cast<Form>(as<lisp::Special>(keyword)->form.to_fixnum());
      if (which <= Form::kBegin || is_rewriting(which)) {
        note_position(item);
        if (length(item) < 0) return fails(item, "not a proper list");
      }
      if (is_rewriting(which)) {
        item = rewrite(item, which);
        if (item == kRaised) return false;
        continue;
      }
      if (which == Form::kBegin) {
        if (!splices(item)) return false;
        pending.push_back(cdr(item));
      } else if (which == Form::kDefine) {
        BodyItem definition{item, true, nullptr, nullptr, {}};
        if (!parse_define(item, definition.parts)) return false;
        definition.binding = bind_here(definition.parts.identifier, item);
        if (definition.binding == nullptr) return false;
        definition.variable = arena_.variable(symbol_of(definition.parts.identifier));
        definition.binding->variable = definition.variable;
        items.push_back(definition);
        definitions = items.size();
      } else if (which == Form::kDefineSyntax) {
        if (length(item) != 3) return fails(item, "expected (define-syntax name (syntax-rules ...))");
        const Value name = car(cdr(item));
        Binding* binding = bind_here(name, item);
        if (binding == nullptr) return false;
        const Value macro = transformer(car(cdr(cdr(item))), name, item);
        if (macro == kRaised) return false;
        binding->keyword = macro;
      } else {
        items.push_back({item, false, nullptr, nullptr, {}});
      }
      break;
    }
  }
  if (items.size() == definitions) return fails(form, "a body ends with an expression");
  return true;
}

// Definitions and expressions may be mixed, as if the body were a letrec* in which an expression before the last
// definition initializes a variable that nobody can name. All definitions are found before any initializer is expanded:
// each sees all variables.
Node* Expansion::body(Value forms, Value form) {
  const ScopeGuard scope(*this);
  std::vector<BodyItem> items;
  std::size_t definitions = 0;  // items up to the last definition
  if (!scan_body(forms, form, items, definitions)) return nullptr;
  if (definitions == 0 && items.size() == 1) return expand(items[0].form);

  std::vector<Definition> initializers;
  LetrecGroup& group = groups_.emplace_back();
  group.references.resize(definitions);
  for (u32 index = 0; index < definitions; ++index) {
    if (items[index].binding == nullptr) {
      items[index].variable = arena_.variable(kFalse);
    } else {
      items[index].binding->group = &group;
      items[index].binding->index = index;
    }
  }
  for (u32 index = 0; index < definitions; ++index) {
    const BodyItem& item = items[index];
    group.current = static_cast<i32>(index);
    Node* value = item.is_definition ? expand_define_value(item.parts, item.form) : expand(item.form);
    if (value == nullptr) return nullptr;
    initializers.push_back({item.variable, value});
  }
  group.current = -1;
  std::vector<Node*> expressions;
  for (std::size_t index = definitions; index < items.size(); ++index) {
    Node* next = expand(items[index].form);
    if (next == nullptr) return nullptr;
    expressions.push_back(next);
  }
  return letrec(initializers, group, sequence_of(std::move(expressions)));
}

// The order of initializers is changed so that as few variables as possible can be seen before they have a value: a
// procedure, whose making has no effect, is made just before the first other initializer that could call it, with all
// procedures that it could call; the rest of them at the end. Runs of procedures see each other. A variable that some
// initializer may still see too early counts as assigned, and is checked when it is used.
// (After Waddell, Sarkar, Dybvig, "Fixing letrec", 2005.)
Node* Expansion::letrec(std::vector<Definition>& definitions, const LetrecGroup& group, Node* inside) {
  if (definitions.empty()) return inside;
  const auto is_procedure = [&](u32 index) {
    const Definition& definition = definitions[index];
    return (definition.initializer->kind == NodeKind::kLambda ||
            definition.initializer->kind == NodeKind::kCaseLambda) &&
           !definition.variable->is_assigned && definition.variable->name.is_true();
  };
  std::vector<u32> order;
  std::vector<bool> is_placed(definitions.size());
  std::vector<u32> batch;
  for (u32 index = 0; index < definitions.size(); ++index) {
    if (is_procedure(index)) continue;
    batch.clear();
    std::vector<u32> reached{index};
    while (!reached.empty()) {
      const u32 from = reached.back();
      reached.pop_back();
      for (const u32 to : group.references[from]) {
        if (!is_procedure(to)) {
          if (to >= index) definitions[to].variable->is_assigned = true;
        } else if (!is_placed[to]) {
          is_placed[to] = true;
          batch.push_back(to);
          reached.push_back(to);
        }
      }
    }
    compact_sort(batch, std::less<u32>());
    order.insert(order.end(), batch.begin(), batch.end());
    order.push_back(index);
    is_placed[index] = true;
  }
  for (u32 index = 0; index < definitions.size(); ++index) {
    if (!is_placed[index]) order.push_back(index);
  }
  Node* result = arena_.node(NodeKind::kLetrec, here_);
  for (const u32 index : order) {
    result->variables.push_back(definitions[index].variable);
    result->children.push_back(definitions[index].initializer);
  }
  result->children.push_back(inside);
  return result;
}

}  // namespace heddle::lisp
