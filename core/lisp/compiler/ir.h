// What the expander gives to the compiler: a program as a tree of nodes, every identifier resolved, every macro gone.
//
// Nodes live in an Arena and hold plain Values: both passes are done within one instruction of the fiber that asked, so
// that no collection falls between.
#pragma once

#include <memory>
#include <vector>

#include "lisp/heap/object.h"
#include "lisp/pool.h"

namespace heddle::lisp {

// Where a form stands: the number of its source (Sources) and line << 12 | column, as in a Pair. 0: unknown.
struct Position {
  u16 source = 0;
  u32 place = 0;
};

struct Label;

struct Variable {
  Value name;                // Symbol, for messages
  bool is_assigned = false;  // by set!, or by a letrec whose initializers may see it too early
  // The compiler's own notes: see compilation.h.
  bool is_label = false;
  bool is_pending = false;
  u32 reg = 0;
  const void* owner = nullptr;
  Label* label = nullptr;
  u32 index = 0;
};

enum class NodeKind : u8 {
  kConstant,    // value
  kLocal,       // variable
  kGlobal,      // value: Cell
  kSetLocal,    // variable, children[0]
  kSetGlobal,   // value: Cell, children[0]; unbound: an error
  kDefine,      // value: Cell, children[0]
  kIf,          // children: test, consequent, alternative
  kSequence,    // children, at least one
  kLambda,      // variables: required ones, then the rest if has_rest; children[0]: the body; value: name or #f
  kCaseLambda,  // children: kLambda nodes; value: name or #f
  kCall,        // children: procedure, then arguments
  kLet,         // variables, children: as many initializers, then the body
  kLetrec,      // the same, as letrec*: initializers in order, each sees all variables
};

struct Node {
  NodeKind kind = NodeKind::kConstant;
  bool has_rest = false;
  Position position;
  Value value;
  Variable* variable = nullptr;
  std::vector<Variable*> variables;
  std::vector<Node*> children;
};

class Arena {
 public:
  Node* node(NodeKind kind, Position position) {
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    node.position = position;
    return &node;
  }
  u64 nodes() const { return nodes_.size(); }
  Variable* variable(Value name) {
    Variable& variable = variables_.emplace_back();
    variable.name = name;
    return &variable;
  }

 private:
  Pool<Node> nodes_;
  Pool<Variable> variables_;
};

// A global that a program refers to by a cell may be one of the language's own procedures, which the compiler may
// replace by an instruction: as long as the cell says so. A definition of the same name, or an assignment, takes the
// bit away before anything that could be replaced is compiled (the expander looks through a whole source first).
constexpr u16 kCellIsConstant = 1;  // Object::aux of a Cell

}  // namespace heddle::lisp
