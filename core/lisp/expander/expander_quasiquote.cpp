// Quasiquotation, in full: nested levels, vectors, splicing anywhere, unquote in the place of a tail.
#include <algorithm>

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
  constexpr std::size_t kMaxItems = 32;
  // A long one is appended from its parts by one call: calls within calls would nest as deep as it is long.
  constexpr std::size_t kMaxNested = 4096;
  if (end > kMaxNested || (end > kMaxItems && std::count_if(pieces.begin(), pieces.end(), [](const Piece& piece) {
                                                return piece.is_spliced;
                                              }) > static_cast<std::ptrdiff_t>(kMaxItems))) {
    Node* call = core_call("append", {});
    for (std::size_t begin = 0; begin < end;) {
      if (pieces[begin].is_spliced) {
        call->children.push_back(pieces[begin++].node);
        continue;
      }
      Node* part = core_call("list", {});
      for (std::size_t count = 0; count < kMaxItems && begin < end && !pieces[begin].is_spliced; ++count) {
        part->children.push_back(pieces[begin++].node);
      }
      call->children.push_back(part);
    }
    if (tail->kind != NodeKind::kConstant || !tail->value.is_nil() || pieces[end - 1].is_spliced) {
      call->children.push_back(tail);
    }
    return call;
  }
  // From the end: what is spliced by append, others some at a time.
  while (end > 0) {
    if (pieces[end - 1].is_spliced) {
      --end;
      const bool is_last = tail->kind == NodeKind::kConstant && tail->value.is_nil();
      tail = is_last ? pieces[end].node : core_call("append", {pieces[end].node, tail});
      continue;
    }
    std::size_t begin = end - 1;
    while (begin > 0 && !pieces[begin - 1].is_spliced && end - begin < kMaxItems) --begin;
    const bool is_last = tail->kind == NodeKind::kConstant && tail->value.is_nil();
    Node* call = core_call(is_last ? "list" : (end - begin == 1 ? "cons" : "cons*"), {});
    for (std::size_t index = begin; index < end; ++index) call->children.push_back(pieces[index].node);
    if (!is_last) call->children.push_back(tail);
    tail = call;
    end = begin;
  }
  return tail;
}

}  // namespace heddle::lisp
