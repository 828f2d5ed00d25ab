// Compiler makes nodes of rules, Use walks them; they are in one file because of the nodes, which nobody else knows.
#include "lisp/expander/syntax_rules.h"

#include <algorithm>

#include "lisp/equality.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {
namespace {

// The first element of a compiled node that is a vector. Besides, in a pattern and in a template: a fixnum is the
// variable of that number, a pair is a pair, () is (), and in a pattern kDefault matches anything.
enum Op : i64 {
  kDatum,     // 1: the datum
  kName,      // pattern, 1: a literal identifier. Template, 1: the number of an identifier to rename
  kEllipsis,  // pattern, see Compiler::pattern(). Template, see Compiler::produced()
  kVectorOf,  // 1: what the list of its elements is
};

// A rule: a vector of these.
enum RulePart : u32 { kPattern, kTemplate, kVariables, kNames, kRuleParts };

constexpr u32 kMaxRuleNesting = 200;

i64 op_of(Value node) { return as<Vector>(node)->items[0].to_fixnum(); }
Value part(Value node, u32 index) { return as<Vector>(node)->items[index]; }

Value make_node(Heap& heap, Op op, std::initializer_list<Value> parts) {
  const Value result = heap.vector(static_cast<u32>(parts.size()) + 1, kFalse);
  Value* items = as<Vector>(result)->items;
  items[0] = Value::fixnum(op);
  std::copy(parts.begin(), parts.end(), items + 1);
  return result;
}

Value to_vector(Heap& heap, const std::vector<Value>& items) {
  const Value result = heap.vector(static_cast<u32>(items.size()), kFalse);
  std::copy(items.begin(), items.end(), as<Vector>(result)->items);
  return result;
}

Value to_list(Heap& heap, const Vector& vector) {
  Value result = kNil;
  for (u32 index = vector.length; index > 0; --index) result = heap.cons(vector.items[index - 1], result);
  return result;
}

// Compiles one macro.
class Compiler {
 public:
  Compiler(Expansion& expansion, Value form) : expansion_(expansion), heap_(expansion.heap()), form_(form) {}

  // (syntax-rules [ellipsis] (literal ...) (pattern template) ...)
  Value rules();

 private:
  struct PatternVariable {
    u32 number = 0;
    u32 depth = 0;  // of ellipses around it
  };
  // A variable's use in the template, and the ellipses around it there.
  struct Use {
    u32 variable;
    u32 depth;
  };

  Value fail(std::string_view message) { return expansion_.error_value(form_, message); }
  bool is_ellipsis(Value value) {
    if (!Expansion::is_identifier(value) || literals_.find(value) != nullptr) return false;
    return ellipsis_.is_true() ? value == ellipsis_ : expansion_.is_word(value, Form::kEllipsis);
  }
  Value rule(Value pattern, Value produced);
  Value pattern(Value source, u32 depth, u32 nesting);
  Value produced(Value source, u32 depth, u32 nesting, bool has_ellipsis);
  Value levels(std::size_t first_use, u32 depth, u32 count);

  Expansion& expansion_;
  Heap& heap_;
  const Value form_;
  Value ellipsis_ = kFalse;
  IdentityMap literals_;
  // Of one rule.
  IdentityMap variables_;  // identifier -> number + 1
  std::vector<u32> depths_;
  std::vector<Use> uses_;
  IdentityMap name_numbers_;
  std::vector<Value> names_;
};

Value Compiler::rules() {
  constexpr std::string_view kExpected = "expected (syntax-rules (literal ...) (pattern template) ...)";
  if (expansion_.length(form_) < 2) return fail(kExpected);
  Value rest = cdr(form_);
  if (Expansion::is_identifier(car(rest))) {
    ellipsis_ = car(rest);
    rest = cdr(rest);
    if (rest.is_nil()) return fail(kExpected);
  }
  if (expansion_.length(car(rest)) < 0) return fail(kExpected);
  for (Value literals = car(rest); literals.is_pair(); literals = cdr(literals)) {
    if (!Expansion::is_identifier(car(literals))) return fail("a literal is a name");
    literals_[car(literals)] = 1;
  }
  std::vector<Value> compiled;
  for (rest = cdr(rest); rest.is_pair(); rest = cdr(rest)) {
    const Value source = car(rest);
    if (expansion_.length(source) != 2 || !car(source).is_pair()) return fail(kExpected);
    const Value next = rule(cdr(car(source)), car(cdr(source)));
    if (next == kRaised) return kRaised;
    compiled.push_back(next);
  }
  return to_vector(heap_, compiled);
}

Value Compiler::rule(Value source, Value result) {
  variables_ = {};
  depths_.clear();
  uses_.clear();
  name_numbers_ = {};
  names_.clear();
  const Value matched = pattern(source, 0, 0);
  if (matched == kRaised) return kRaised;
  const Value made = produced(result, 0, 0, true);
  if (made == kRaised) return kRaised;
  const Value compiled = heap_.vector(kRuleParts, kFalse);
  Value* parts = as<Vector>(compiled)->items;
  parts[kPattern] = matched;
  parts[kTemplate] = made;
  parts[kVariables] = Value::fixnum(static_cast<i64>(depths_.size()));
  const Value names = to_vector(heap_, names_);
  as<Vector>(compiled)->items[kNames] = names;
  return compiled;
}

// An ellipsis of a pattern: (kEllipsis sub tail pairs-in-tail first-variable variables).
Value Compiler::pattern(Value source, u32 depth, u32 nesting) {
  if (nesting > kMaxRuleNesting) return fail("a pattern is nested too deeply");
  if (!expansion_.work(1, form_)) return kRaised;
  if (is_ellipsis(source)) return fail("an ellipsis follows no pattern");
  if (Expansion::is_identifier(source)) {
    if (literals_.find(source) != nullptr) return make_node(heap_, kName, {source});
    if (expansion_.is_word(source, Form::kUnderscore)) return kDefault;
    u64& number = variables_[source];
    if (number != 0) return fail(shown(Expansion::symbol_of(source)) + " is twice in a pattern");
    depths_.push_back(depth);
    number = depths_.size();
    return Value::fixnum(static_cast<i64>(number) - 1);
  }
  if (is_a(source, Type::kVector)) {
    const Value list = pattern(to_list(heap_, *as<Vector>(source)), depth, nesting + 1);
    return list == kRaised ? kRaised : make_node(heap_, kVectorOf, {list});
  }
  if (source.is_nil()) return kNil;
  if (!source.is_pair()) return make_node(heap_, kDatum, {source});
  if (is_circular(source)) return fail("a circular pattern");
  std::vector<Value> items;  // compiled
  i64 repeated = -1;         // the item under an ellipsis
  Value first = kFalse;
  Value count = kFalse;
  for (; source.is_pair(); source = cdr(source)) {
    const bool is_repeated = cdr(source).is_pair() && is_ellipsis(car(cdr(source)));
    if (is_repeated && repeated >= 0) return fail("two ellipses in one list of a pattern");
    const std::size_t before = depths_.size();
    const Value item = pattern(car(source), depth + (is_repeated ? 1 : 0), nesting + 1);
    if (item == kRaised) return kRaised;
    if (is_repeated) {
      repeated = static_cast<i64>(items.size());
      first = Value::fixnum(static_cast<i64>(before));
      count = Value::fixnum(static_cast<i64>(depths_.size() - before));
      source = cdr(source);
    }
    items.push_back(item);
  }
  Value result = pattern(source, depth, nesting + 1);
  if (result == kRaised) return kRaised;
  for (i64 index = static_cast<i64>(items.size()) - 1; index >= 0; --index) {
    const Value item = items[static_cast<std::size_t>(index)];
    const Value after = Value::fixnum(static_cast<i64>(items.size()) - 1 - index);
    result =
        index == repeated ? make_node(heap_, kEllipsis, {item, result, after, first, count}) : heap_.cons(item, result);
  }
  return result;
}

// For each of `count` ellipses that follow one template, outermost first, inside `depth` others: a vector of the
// variables that it goes through. A variable goes with the innermost ellipses around it, as many as it has in the
// pattern.
Value Compiler::levels(std::size_t first_use, u32 depth, u32 count) {
  const Value result = heap_.vector(count, kFalse);
  for (u32 level = 1; level <= count; ++level) {
    IdentityMap seen;  // 1: goes with this ellipsis, 2: does not
    std::vector<Value> going;
    for (std::size_t index = first_use; index < uses_.size(); ++index) {
      if (!expansion_.work(1, form_)) return kRaised;
      const Use& use = uses_[index];
      const u64 goes = depth + level + depths_[use.variable] > use.depth ? 1 : 2;
      u64& before = seen[Value::fixnum(use.variable)];
      if (before != 0 && before != goes) return fail("a variable is used under different numbers of ellipses");
      if (before == 0 && goes == 1) going.push_back(Value::fixnum(use.variable));
      before = goes;
    }
    if (going.empty()) return fail("an ellipsis follows a template that has nothing to repeat");
    const Value variables = to_vector(heap_, going);
    as<Vector>(result)->items[level - 1] = variables;
  }
  return result;
}

// An ellipsis of a template: (kEllipsis sub rest levels).
Value Compiler::produced(Value source, u32 depth, u32 nesting, bool has_ellipsis) {
  if (nesting > kMaxRuleNesting) return fail("a template is nested too deeply");
  if (!expansion_.work(1, form_)) return kRaised;
  if (Expansion::is_identifier(source)) {
    if (const u64* number = variables_.find(source)) {
      const auto variable = static_cast<u32>(*number - 1);
      if (depths_[variable] > depth) {
        return fail(shown(Expansion::symbol_of(source)) + " needs an ellipsis in the template");
      }
      uses_.push_back({variable, depth});
      return Value::fixnum(variable);
    }
    if (has_ellipsis && is_ellipsis(source)) return fail("an ellipsis follows no template");
    u64& number = name_numbers_[source];
    if (number == 0) {
      names_.push_back(source);
      number = names_.size();
    }
    return make_node(heap_, kName, {Value::fixnum(static_cast<i64>(number) - 1)});
  }
  if (is_a(source, Type::kVector)) {
    const Value list = produced(to_list(heap_, *as<Vector>(source)), depth, nesting + 1, has_ellipsis);
    return list == kRaised ? kRaised : make_node(heap_, kVectorOf, {list});
  }
  if (source.is_nil()) return kNil;
  if (!source.is_pair()) return make_node(heap_, kDatum, {source});
  if (has_ellipsis && is_ellipsis(car(source))) {
    if (!cdr(source).is_pair() || !cdr(cdr(source)).is_nil()) return fail("expected (... template)");
    return produced(car(cdr(source)), depth, nesting + 1, false);
  }
  if (is_circular(source)) return fail("a circular template");
  struct Item {
    Value node;
    Value levels;  // #f: no ellipsis
  };
  std::vector<Item> items;
  for (; source.is_pair(); source = cdr(source)) {
    // (a . (... template)) ends with an escape.
    if (has_ellipsis && !items.empty() && is_ellipsis(car(source))) break;
    u32 ellipses = 0;
    Value last = source;
    while (has_ellipsis && cdr(last).is_pair() && is_ellipsis(car(cdr(last)))) {
      last = cdr(last);
      if (++ellipses > kMaxRuleNesting) return fail("a template is nested too deeply");
    }
    const std::size_t first_use = uses_.size();
    Item item{produced(car(source), depth + ellipses, nesting + 1, has_ellipsis), kFalse};
    if (item.node == kRaised) return kRaised;
    if (ellipses > 0) {
      item.levels = levels(first_use, depth, ellipses);
      if (item.levels == kRaised) return kRaised;
    }
    items.push_back(item);
    source = last;
  }
  Value result = produced(source, depth, nesting + 1, has_ellipsis);
  if (result == kRaised) return kRaised;
  for (std::size_t index = items.size(); index > 0; --index) {
    const Item& item = items[index - 1];
    result = item.levels.is_true() ? make_node(heap_, kEllipsis, {item.node, result, item.levels})
                                   : heap_.cons(item.node, result);
  }
  return result;
}

// One use of a macro.
class Use {
 public:
  Use(Expansion& expansion, const Macro& macro, Value form)
      : expansion_(expansion), heap_(expansion.heap()), macro_(macro), form_(form) {}

  Value expand();

 private:
  bool work(u64 steps);
  bool matches(Value pattern, Value form);
  bool matches_repeatedly(Value pattern, Value& form);
  Value build(Value node);
  bool build_repeatedly(Value node, u32 level, Value& last);
  void append(Value& last, Value item) {
    const Value pair = expansion_.cons_like(form_, item, kNil);
    last.to_pair()->cdr = pair;
    last = pair;
  }

  Expansion& expansion_;
  Heap& heap_;
  const Macro& macro_;
  const Value form_;
  std::vector<Value> slots_;  // of the variables: a form or, under an ellipsis, a list of what they matched
  Value names_;
  std::vector<Value> renamed_;  // kUndefined: not yet
  bool is_over_ = false;        // an error was raised
};

bool Use::work(u64 steps) {
  constexpr u64 kRoom = u64{1} << 16;
  if (is_over_) return false;
  is_over_ = !expansion_.work(steps, form_);
  if (!is_over_ && !heap_.has_room(kRoom)) {
    expansion_.machine().heap_error("macro expansion", kRoom);
    is_over_ = true;
  }
  return !is_over_;
}

Value Use::expand() {
  const auto* rules = as<Vector>(macro_.rules);
  for (u32 index = 0; index < rules->length; ++index) {
    const Value rule = rules->items[index];
    slots_.assign(static_cast<std::size_t>(part(rule, kVariables).to_fixnum()), kNil);
    const bool does_match = matches(part(rule, kPattern), cdr(form_));
    if (is_over_) return kRaised;
    if (!does_match) continue;
    names_ = part(rule, kNames);
    renamed_.assign(as<Vector>(names_)->length, kUndefined);
    const Value result = build(part(rule, kTemplate));
    return is_over_ ? kRaised : result;
  }
  return expansion_.error_value(form_, "no rule of this macro fits");
}

bool Use::matches(Value pattern, Value form) {
  for (;;) {
    if (!work(1)) return false;
    if (pattern.is_fixnum()) {
      slots_[static_cast<std::size_t>(pattern.to_fixnum())] = form;
      return true;
    }
    if (pattern == kDefault) return true;
    if (pattern.is_nil()) return form.is_nil();
    if (pattern.is_pair()) {
      if (!form.is_pair() || !matches(car(pattern), car(form))) return false;
      pattern = cdr(pattern);
      form = cdr(form);
      continue;
    }
    switch (op_of(pattern)) {
      case kDatum: {
        u64 steps = 0;
        const bool is_same = is_equal(part(pattern, 1), form, &steps);
        return work(steps) && is_same;
      }
      case kName:
        return Expansion::is_identifier(form) &&
               expansion_.same_meaning(expansion_.meaning(form),
                                       expansion_.meaning_in(part(pattern, 1), macro_.environment));
      case kEllipsis:
        if (!matches_repeatedly(pattern, form)) return false;
        pattern = part(pattern, 2);
        continue;
      default:
        if (!is_a(form, Type::kVector)) return false;
        if (!work(as<Vector>(form)->length)) return false;
        form = to_list(heap_, *as<Vector>(form));
        pattern = part(pattern, 1);
        continue;
    }
  }
}

// Matches as many items as leave enough for the tail; `form` is then the rest.
bool Use::matches_repeatedly(Value pattern, Value& form) {
  if (is_circular(form)) return false;
  i64 available = 0;
  Value end = form;
  for (; end.is_pair(); end = cdr(end)) ++available;
  if (!work(static_cast<u64>(available) / 4)) return false;
  available -= part(pattern, 3).to_fixnum();
  if (available < 0) return false;
  const Value repeated = part(pattern, 1);
  const auto first = static_cast<std::size_t>(part(pattern, 4).to_fixnum());
  if (repeated.is_fixnum() && part(pattern, 2).is_nil()) {
    // The list itself is what the variable matched.
    slots_[first] = form;
    form = end;
    return end.is_nil();
  }
  const auto count = static_cast<std::size_t>(part(pattern, 5).to_fixnum());
  std::vector<Value> found;
  for (; available > 0; --available, form = cdr(form)) {
    if (!matches(repeated, car(form))) return false;
    found.insert(found.end(), slots_.begin() + static_cast<std::ptrdiff_t>(first),
                 slots_.begin() + static_cast<std::ptrdiff_t>(first + count));
  }
  for (std::size_t variable = 0; variable < count; ++variable) {
    Value list = kNil;
    for (std::size_t at = found.size() + variable; at >= count + variable; at -= count) {
      list = heap_.cons(found[at - count], list);
    }
    slots_[first + variable] = list;
  }
  return work(found.size());
}

Value Use::build(Value node) {
  if (!work(1)) return kRaised;
  if (node.is_fixnum()) return slots_[static_cast<std::size_t>(node.to_fixnum())];
  if (node.is_nil()) return kNil;
  if (!node.is_pair()) {
    switch (op_of(node)) {
      case kDatum: return part(node, 1);
      case kName: {
        const auto number = static_cast<std::size_t>(part(node, 1).to_fixnum());
        if (renamed_[number] == kUndefined) {
          renamed_[number] = expansion_.rename(as<Vector>(names_)->items[number], macro_.environment);
        }
        return renamed_[number];
      }
      case kVectorOf: {
        Value list = build(part(node, 1));
        if (is_over_) return kRaised;
        std::vector<Value> items;
        for (; list.is_pair(); list = cdr(list)) items.push_back(car(list));
        return to_vector(heap_, items);
      }
      default: break;  // an ellipsis: a list begins with it
    }
  }
  // A list, made behind a pair that is dropped.
  const Value before = heap_.cons(kNil, kNil);
  Value last = before;
  for (;;) {
    if (node.is_pair()) {
      const Value item = build(car(node));
      if (is_over_) return kRaised;
      append(last, item);
      node = cdr(node);
    } else if (is_a(node, Type::kVector) && op_of(node) == kEllipsis) {
      if (!build_repeatedly(node, 0, last)) return kRaised;
      node = part(node, 2);
    } else {
      break;
    }
  }
  if (!node.is_nil()) {
    const Value tail = build(node);
    if (is_over_) return kRaised;
    last.to_pair()->cdr = tail;
  }
  return cdr(before);
}

bool Use::build_repeatedly(Value node, u32 level, Value& last) {
  const auto* all_levels = as<Vector>(part(node, 3));
  const auto* variables = as<Vector>(all_levels->items[level]);
  std::vector<Value> lists(variables->length);
  const auto slot = [&](u32 index) -> Value& {
    return slots_[static_cast<std::size_t>(variables->items[index].to_fixnum())];
  };
  for (u32 index = 0; index < variables->length; ++index) lists[index] = slot(index);
  const std::vector<Value> saved = lists;
  for (;;) {
    if (!work(1)) return false;
    u32 left = 0;
    for (const Value list : lists) left += list.is_pair() ? 1 : 0;
    if (left == 0) break;
    if (left != lists.size()) {
      expansion_.error(form_, "variables under one ellipsis matched different numbers of forms");
      is_over_ = true;
      return false;
    }
    for (u32 index = 0; index < variables->length; ++index) {
      slot(index) = car(lists[index]);
      lists[index] = cdr(lists[index]);
    }
    if (level + 1 < all_levels->length) {
      if (!build_repeatedly(node, level + 1, last)) return false;
      continue;
    }
    const Value item = build(part(node, 1));
    if (is_over_) return false;
    append(last, item);
  }
  for (u32 index = 0; index < variables->length; ++index) slot(index) = saved[index];
  return true;
}

}  // namespace

Value make_macro(Expansion& expansion, Value spec, Value name) {
  const Value rules = Compiler(expansion, spec).rules();
  if (rules == kRaised) return kRaised;
  auto* macro = expansion.heap().make<Macro>(Type::kMacro, sizeof(Macro));
  macro->name = name;
  macro->rules = rules;
  macro->environment = expansion.here();
  return Value::object(macro);
}

Value apply_macro(Expansion& expansion, const Macro& macro, Value form) { return Use(expansion, macro, form).expand(); }

}  // namespace heddle::lisp
