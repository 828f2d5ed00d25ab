// The top level: definitions of cells and keywords, form after form.
#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"

namespace heddle::lisp {

// A name that a macro's template introduces into a definition at the top level is that very name there, as in most
// implementations; its other uses in the same expansion then mean what it defines, also where the macro came from a
// library that knows no such name.
void Expansion::adopt(Value identifier) {
  if (!is_a(identifier, Type::kAlias)) return;
  const Value symbol = symbol_of(identifier);
  auto* alias = as<Alias>(identifier);
  heap_.write(alias->name, symbol);
  heap_.write(alias->environment, environment_);
}

Node* Expansion::define_global(Value form) {
  DefineParts parts;
  if (!parse_define(form, parts)) return nullptr;
  adopt(parts.identifier);
  const Value symbol = symbol_of(parts.identifier);
  const Value cell = cell_to_define(heap_, environment_, symbol);
  if (cell == kUndefined) return error(form, shown(symbol) + " is imported and cannot be defined in this library");
  const Position position = here_;
  Node* value = expand_define_value(parts, form);
  if (value == nullptr) return nullptr;
  Node* result = arena_.node(NodeKind::kDefine, position);
  result->value = cell;
  result->children.push_back(value);
  return result;
}

bool Expansion::define_syntax_global(Value form) {
  if (length(form) != 3 || !is_identifier(car(cdr(form)))) {
    error(form, "expected (define-syntax name (syntax-rules ...))");
    return false;
  }
  const Value name = car(cdr(form));
  adopt(name);
  const Value symbol = symbol_of(name);
  const Value macro = transformer(car(cdr(cdr(form))), name, form);
  if (macro == kRaised) return false;
  bind(heap_, environment_, symbol, macro);
  return true;
}

Node* Expansion::top_level(Value form) {
  const Level level(*this, form);
  const Position position = here_;
  std::vector<Node*> nodes;
  std::vector<Value> pending{heap_.cons(form, kNil)};
  while (!pending.empty()) {
    if (pending.back().is_nil()) {
      pending.pop_back();
      continue;
    }
    Value item = car(pending.back());
    pending.back() = cdr(pending.back());
    if (pending.back().is_nil()) pending.pop_back();
    here_ = position;
    for (;;) {
      if (!work(1, form)) return nullptr;
      const Value keyword = item.is_pair() ? keyword_of(item) : kFalse;
      if (is_a(keyword, Type::kMacro)) {
        item = expand_macro(item, keyword);
        if (item == kRaised) return nullptr;
        continue;
      }
      Form which = Form::kQuote;  // any expression
      if (!keyword.is_true() && item.is_pair()) {
        // These two are known before anything is imported.
        if (is_word(car(item), Form::kImport)) which = Form::kImport;
        if (is_word(car(item), Form::kDefineLibrary)) which = Form::kDefineLibrary;
        if (which != Form::kQuote && length(item) < 0) return error(item, "not a proper list");
      }
      if (keyword.is_true()) {
        which = static_cast<Form>(as<lisp::Special>(keyword)->form.to_fixnum());
        note_position(item);
        if ((which <= Form::kBegin || is_rewriting(which)) && length(item) < 0) return error(item, "not a proper list");
        if (is_rewriting(which)) {
          item = rewrite(item, which);
          if (item == kRaised) return nullptr;
          continue;
        }
      }
      Node* next = nullptr;
      switch (which) {
        case Form::kBegin:
          if (!splices(item)) return nullptr;
          // What an expansion defines below is known to all of it.
          for (Value rest = cdr(item); aliases_ != 0 && rest.is_pair(); rest = cdr(rest)) {
            const Value inner = car(rest);
            if (!inner.is_pair() || !is_word(car(inner), Form::kDefine) || !cdr(inner).is_pair()) continue;
            const Value target = car(cdr(inner));
            const Value name = target.is_pair() ? car(target) : target;
            if (is_identifier(name)) adopt(name);
          }
          if (!cdr(item).is_nil()) pending.push_back(cdr(item));
          break;
        case Form::kDefine:
          next = define_global(item);
          if (next == nullptr) return nullptr;
          break;
        case Form::kDefineSyntax:
          if (!define_syntax_global(item)) return nullptr;
          break;
        case Form::kImport:
          next = import(item);
          if (next == nullptr) return nullptr;
          break;
        case Form::kDefineLibrary:
          next = define_library(item);
          if (next == nullptr) return nullptr;
          break;
        default:
          next = expand(item);
          if (next == nullptr) return nullptr;
          break;
      }
      if (next != nullptr) nodes.push_back(next);
      break;
    }
  }
  here_ = position;
  return sequence_of(std::move(nodes));
}

}  // namespace heddle::lisp
