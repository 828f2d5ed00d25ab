// Quasiquotation, in full: nested levels, vectors, splicing anywhere, unquote in the place of a tail.
#include <vector>

#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"

namespace heddle::lisp {

Node* Expansion::quasiquote(Value form) {
  if (length(form) != 2) return error(form, "expected (quasiquote datum)");
  bool is_static = false;
  return quasi(car(cdr(form)), 1, is_static);
}

// (word x) in a template: whether a list is that.
bool Expansion::is_tagged(Value datum, Form form) {
  return datum.is_pair() && is_word(car(datum), form) && cdr(datum).is_pair() && cdr(cdr(datum)).is_nil();
}

// (word x) at another level, made again; x may splice.
Node* Expansion::quasi_tagged(Value datum, u32 level, bool& is_static) {
  Node* inside = quasi(cdr(datum), level, is_static);
  if (inside == nullptr) return nullptr;
  if (is_static) return constant(strip(datum));
  return core_call("cons", {constant(symbol_of(car(datum))), inside});
}

// An expression that makes the datum; is_static: it is a constant, the datum itself.
Node* Expansion::quasi(Value datum, u32 level, bool& is_static) {
  const Level guard(*this, datum);
  is_static = false;
  if (nesting_ > kMaxNesting) return error(datum, "nested too deeply");
  if (is_a(datum, Type::kVector)) {
    const auto* vector = as<Vector>(datum);
    Value items = kNil;
    for (u32 index = vector->length; index > 0; --index) items = heap_.cons(vector->items[index - 1], items);
    Node* list = quasi(items, level, is_static);
    if (list == nullptr) return nullptr;
    return is_static ? constant(strip(datum)) : core_call("list->vector", {list});
  }
  if (is_circular(datum)) return error(kFalse, "quasiquote: a circular list");
  struct Piece {
    Node* node;
    Value rest;  // of the datum, from here on
    bool is_spliced;
    bool is_static;
  };
  std::vector<Piece> pieces;
  Node* tail = nullptr;
  bool is_tail_static = false;
  Value rest = datum;
  for (; rest.is_pair(); rest = cdr(rest)) {
    if (!work(1, datum) || !has_room_for_nodes(datum)) return nullptr;
    if (is_tagged(rest, Form::kUnquote)) {
      tail = level == 1 ? expand(car(cdr(rest))) : quasi_tagged(rest, level - 1, is_tail_static);
    } else if (is_tagged(rest, Form::kQuasiquote)) {
      tail = quasi_tagged(rest, level + 1, is_tail_static);
    } else if (is_tagged(rest, Form::kUnquoteSplicing)) {
      if (level == 1) return error(rest, "splices into no list");
      tail = quasi_tagged(rest, level - 1, is_tail_static);
    } else {
      const Value item = car(rest);
      Piece piece{nullptr, rest, level == 1 && is_tagged(item, Form::kUnquoteSplicing), false};
      piece.node = piece.is_spliced ? expand(car(cdr(item))) : quasi(item, level, piece.is_static);
      if (piece.node == nullptr) return nullptr;
      pieces.push_back(piece);
      continue;
    }
    if (tail == nullptr) return nullptr;
    break;
  }
  std::size_t end = pieces.size();
  const bool ends_here = tail == nullptr;  // by () or an atom
  if (ends_here) is_tail_static = true;
  if (is_tail_static) {
    while (end > 0 && pieces[end - 1].is_static) --end;
    if (end < pieces.size()) rest = pieces[end].rest;
    tail = constant(strip(rest));
  }
  is_static = is_tail_static && end == 0;
  // From the end: what is spliced is a part, others are one some at a time.
  constexpr std::size_t kMaxItems = 32;
  struct Part {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Part> parts;
  for (std::size_t begin = end; end > 0; end = begin) {
    --begin;
    if (!pieces[begin].is_spliced) {
      while (begin > 0 && !pieces[begin - 1].is_spliced && end - begin < kMaxItems) --begin;
    }
    parts.push_back({begin, end});
  }
  const auto call_of = [&](const char* name, const Part& part) {
    Node* call = core_call(name, {});
    for (std::size_t index = part.begin; index < part.end; ++index) call->children.push_back(pieces[index].node);
    return call;
  };
  const auto is_empty = [](const Node* node) { return node->kind == NodeKind::kConstant && node->value.is_nil(); };
  // Calls within calls would nest as deep as there are parts: many are appended by one.
  constexpr std::size_t kMaxNestedParts = 64;
  if (parts.size() > kMaxNestedParts) {
    Node* call = core_call("append", {});
    for (std::size_t i = parts.size(); i-- > 0;) {
      const Piece& piece = pieces[parts[i].begin];
      call->children.push_back(piece.is_spliced ? piece.node : call_of("list", parts[i]));
    }
    if (!is_empty(tail)) call->children.push_back(tail);
    return call;
  }
  for (const Part& part : parts) {
    const Piece& piece = pieces[part.begin];
    const bool is_last = is_empty(tail);
    if (piece.is_spliced) {
      tail = is_last ? piece.node : core_call("append", {piece.node, tail});
    } else {
      Node* call = call_of(is_last ? "list" : part.end - part.begin == 1 ? "cons" : "cons*", part);
      if (!is_last) call->children.push_back(tail);
      tail = call;
    }
  }
  return tail;
}

}  // namespace heddle::lisp
