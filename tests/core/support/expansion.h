// For tests of the expander: what it makes of a text, written as an expression again, all variables numbered in the
// order in which they are first seen. A variable that is assigned, or may be seen too early, has a "!" behind it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lisp/compiler/ir.h"
#include "lisp/expander/environment.h"
#include "lisp/expander/expander.h"
#include "lisp/machine.h"
#include "lisp/text/printer.h"
#include "lisp/text/reader.h"

namespace heddle::lisp {

class NodeText {
 public:
  std::string of(const Node* node) {
    switch (node->kind) {
      case NodeKind::kConstant: return constant(node->value);
      case NodeKind::kLocal: return name(node->variable);
      case NodeKind::kGlobal: return cell(node->value);
      case NodeKind::kSetLocal: return "(set! " + name(node->variable) + all(node->children) + ")";
      case NodeKind::kSetGlobal: return "(set! " + cell(node->value) + all(node->children) + ")";
      case NodeKind::kDefine: return "(define " + cell(node->value) + all(node->children) + ")";
      case NodeKind::kIf: return "(if" + all(node->children) + ")";
      case NodeKind::kSequence: return "(begin" + all(node->children) + ")";
      case NodeKind::kCall: return "(" + all(node->children).substr(1) + ")";
      case NodeKind::kCaseLambda: return "(case-lambda" + all(node->children) + ")";
      case NodeKind::kLambda: {
        std::string formals;
        for (std::size_t index = 0; index < node->variables.size(); ++index) {
          if (index > 0) formals += ' ';
          if (node->has_rest && index + 1 == node->variables.size()) formals += ". ";
          formals += name(node->variables[index]);
        }
        return "(lambda (" + formals + ") " + of(node->children[0]) + ")";
      }
      case NodeKind::kLet:
      case NodeKind::kLetrec: {
        std::string bindings;
        for (std::size_t index = 0; index < node->variables.size(); ++index) {
          if (index > 0) bindings += ' ';
          bindings += "(" + name(node->variables[index]) + " ";
          bindings += of(node->children[index]) + ")";
        }
        return (node->kind == NodeKind::kLet ? "(let (" : "(letrec (") + bindings + ") " + of(node->children.back()) +
               ")";
      }
    }
    return "?";
  }

 private:
  std::string all(const std::vector<Node*>& nodes) {
    std::string text;
    for (const Node* node : nodes) text += " " + of(node);
    return text;
  }
  std::string name(const Variable* variable) {
    const auto number = numbers_.try_emplace(variable, numbers_.size() + 1).first->second;
    const std::string base = is_symbol(variable->name) ? displayed(variable->name) : "t";
    return base + "." + std::to_string(number) + (variable->is_assigned ? "!" : "");
  }
  static std::string cell(Value value) { return displayed(as<Cell>(value)->name); }
  static std::string constant(Value value) {
    if (value == kUnspecified) return "unspecified";
    if (value == kUndefined) return "undefined";
    return (is_symbol(value) || value.is_pair() || value.is_nil() ? "'" : "") + written(value);
  }

  std::map<const Variable*, std::size_t> numbers_;
};

class ExpansionFixture : public testing::Test {
 protected:
  // Expands the forms of a text one after the other, and gives the last: its nodes, or "Code: message".
  std::string expand(std::string_view text) {
    Reader reader(machine, text, source);
    std::vector<Value> forms;
    for (;;) {
      const Value form = reader.read();
      if (form == kRaised) return error();
      if (form == kEof) break;
      forms.push_back(form);
    }
    std::string result;
    for (const Value form : forms) {
      Arena arena;
      const Node* node = expand_top_level(machine, arena, form, environment);
      if (node == nullptr) return error();
      result = NodeText().of(node);
    }
    return result;
  }
  // The condition that was raised.
  std::string error() const {
    const auto* condition = as<Condition>(machine.raised());
    return displayed(condition->code) + ": " + displayed(condition->message);
  }

  Machine machine;
  u16 source = machine.sources().add("test.scm");
  Value environment = make_program_environment(machine.heap(), machine.core());
};

}  // namespace heddle::lisp
