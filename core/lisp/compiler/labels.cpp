// Which procedures are mere places to jump to: loops (named let, do), and the join points that macros make.
//
// A procedure that is bound to a variable is a label if every reference to the variable is a call with the right number
// of arguments, and each call stands in a tail position of the form that binds it, or of another label's body there.
// Then all of it runs in the frame of the enclosing procedure: a call is a jump after some moves. A loop's variables
// stay fresh in each turn: closures copy values, and variables that are assigned live in boxes, made anew.
//
// One walk finds the candidates and drops those that are used otherwise. A call from within another candidate's body
// is a jump only if that one is a label itself: kept as edges, along which losing spreads in the end.
#include <vector>

#include "lisp/compiler/compiler.h"

namespace heddle::lisp {

namespace {

class Labels {
 public:
  void walk(Node* node, u32 tail, i32 scope);
  void spread();

 private:
  struct Candidate {
    Variable* variable;
    std::size_t parameters;
    u32 tail;                     // the tail position that calls must be in
    i32 scope;                    // the procedure around the binding form
    std::vector<u32> dependents;  // labels that are called from its body
  };
  // A procedure: a candidate or, -1, an ordinary one.
  struct Scope {
    i32 candidate;
    i32 parent;
  };
  // A call from deeper within labels than that is a real call: the walk along them must not take long.
  static constexpr u32 kMostScopes = 64;

  void bind(Node* node, u32 tail, i32 scope);
  void call(Variable* variable, std::size_t arguments, u32 tail, i32 scope);
  u32 fresh() { return ++tails_; }
  i32 open(i32 candidate, i32 parent) {
    scopes_.push_back({candidate, parent});
    return static_cast<i32>(scopes_.size()) - 1;
  }

  std::vector<Candidate> candidates_;
  std::vector<Scope> scopes_;
  u32 tails_ = 0;
};

void Labels::bind(Node* node, u32 tail, i32 scope) {
  const std::size_t count = node->variables.size();
  std::vector<i32> indexes(count, -1);
  for (std::size_t i = 0; i < count; ++i) {
    Variable* variable = node->variables[i];
    const Node* lambda = node->children[i];
    if (lambda->kind != NodeKind::kLambda || lambda->has_rest || variable->is_assigned) continue;
    variable->is_label = true;
    variable->index = static_cast<u32>(candidates_.size());
    indexes[i] = static_cast<i32>(candidates_.size());
    candidates_.push_back({variable, lambda->variables.size(), tail, scope, {}});
  }
  for (std::size_t i = 0; i < count; ++i) {
    Node* child = node->children[i];
    if (indexes[i] < 0) {
      walk(child, fresh(), scope);
    } else {
      // The body of what let binds does not see the variable, so both forms are the same here.
      walk(child->children[0], tail, open(indexes[i], scope));
    }
  }
}

void Labels::call(Variable* variable, std::size_t arguments, u32 tail, i32 scope) {
  Candidate& candidate = candidates_[variable->index];
  if (arguments != candidate.parameters || tail != candidate.tail) {
    variable->is_label = false;
    return;
  }
  u32 depth = 0;
  for (i32 at = scope; at != candidate.scope; at = scopes_[static_cast<u32>(at)].parent) {
    if (at < 0 || scopes_[static_cast<u32>(at)].candidate < 0 || ++depth > kMostScopes) {
      variable->is_label = false;
      return;
    }
    candidates_[static_cast<u32>(scopes_[static_cast<u32>(at)].candidate)].dependents.push_back(variable->index);
  }
}

void Labels::walk(Node* node, u32 tail, i32 scope) {
  for (;;) {
    switch (node->kind) {
      case NodeKind::kConstant:
      case NodeKind::kGlobal: return;
      case NodeKind::kLocal: node->variable->is_label = false; return;
      case NodeKind::kSetLocal:
      case NodeKind::kSetGlobal:
      case NodeKind::kDefine:
        node = node->children[0];
        tail = fresh();
        continue;
      case NodeKind::kIf:
        walk(node->children[0], fresh(), scope);
        // A long `and` is a loop here, not recursion.
        if (node->children[2]->kind == NodeKind::kConstant) {
          node = node->children[1];
          continue;
        }
        walk(node->children[1], tail, scope);
        node = node->children[2];
        continue;
      case NodeKind::kSequence:
        for (std::size_t i = 0; i + 1 < node->children.size(); ++i) walk(node->children[i], fresh(), scope);
        node = node->children.back();
        continue;
      case NodeKind::kLambda:
        scope = open(-1, scope);
        tail = fresh();
        node = node->children[0];
        continue;
      case NodeKind::kCaseLambda:
        for (Node* child : node->children) walk(child, fresh(), scope);
        return;
      case NodeKind::kCall: {
        Node* operation = node->children[0];
        if (operation->kind == NodeKind::kLambda && !operation->has_rest &&
            operation->variables.size() == node->children.size() - 1) {
          node->kind = NodeKind::kLet;
          node->variables = operation->variables;
          node->children.erase(node->children.begin());
          node->children.push_back(operation->children[0]);
          continue;
        }
        if (operation->kind == NodeKind::kLocal) {
          if (operation->variable->is_label) call(operation->variable, node->children.size() - 1, tail, scope);
        } else {
          walk(operation, fresh(), scope);
        }
        for (std::size_t i = 1; i < node->children.size(); ++i) walk(node->children[i], fresh(), scope);
        return;
      }
      case NodeKind::kLet:
      case NodeKind::kLetrec:
        bind(node, tail, scope);
        node = node->children.back();
        continue;
    }
  }
}

void Labels::spread() {
  std::vector<u32> lost;
  for (u32 i = 0; i < candidates_.size(); ++i) {
    if (!candidates_[i].variable->is_label) lost.push_back(i);
  }
  while (!lost.empty()) {
    const u32 index = lost.back();
    lost.pop_back();
    for (const u32 other : candidates_[index].dependents) {
      if (!candidates_[other].variable->is_label) continue;
      candidates_[other].variable->is_label = false;
      lost.push_back(other);
    }
  }
}

}  // namespace

void find_labels(Node* node) {
  Labels labels;
  labels.walk(node, 0, -1);
  labels.spread();
}

}  // namespace heddle::lisp
