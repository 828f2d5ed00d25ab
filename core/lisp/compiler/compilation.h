// One run of the compiler: private to compiler*.cpp.
//
// Code is made in one walk, into registers that the walk decides on: `compile(node, to)` gives the value to a register,
// which may be written before all of the node is evaluated; `operand(node)` says in which register the value is, which
// for a variable is its own. Registers are a stack: locals and temporaries above those of the enclosing expressions.
//
// Variables: one that is assigned is a box, always: a continuation that is entered again finds its frame as it was, and
// must yet see the assignment. All others never change while they are visible, so closures copy them.
//
// A procedure's free variables become known while its body is compiled; so the closure is made after.
#pragma once

#include <vector>

#include "lisp/compiler/compiler.h"
#include "lisp/conditions.h"
#include "lisp/identity_map.h"
#include "lisp/pool.h"

namespace heddle::lisp {

// A list of jumps whose target is not known yet, in Compiler::jumps_.
struct Jumps {
  u32 head = 0;
};

// A procedure that is compiled as a place to jump to.
struct Label {
  Node* lambda = nullptr;
  u32 first = 0;    // register of the first parameter
  u32 address = 0;  // where it is, if is_placed
  bool is_placed = false;
  bool is_wanted = false;
  Jumps jumps;
};

class Compiler {
 public:
  explicit Compiler(Machine& machine, bool is_long) : machine_(machine), heap_(machine.heap()), is_long_(is_long) {}

  Value thunk(Node* node);
  // A jump was too long for its field: once more, with is_long.
  bool is_too_far() const { return is_too_far_; }

 private:
  // A procedure that is being compiled.
  struct Function {
    Function* outer = nullptr;
    const Variable* self = nullptr;  // the variable that is bound to this procedure, never assigned
    std::size_t arity = 0;
    std::vector<Variable*> captures;
    IdentityMap capture_indexes;  // of the same, plus 1
    std::vector<u64> words;
    std::vector<Value> constants;
    PositionTable positions;
    Position position;    // of what is being compiled
    u32 next = 0;         // the first free register
    u32 most = 1;         // registers in all
    u32 last_target = 0;  // the last word that something jumps to
    bool is_reachable = true;
  };
  // A closure that was made before a variable that it captures had its value; those of one variable are a list that
  // begins at Variable::index.
  struct Patch {
    u32 closure;
    u32 index;
    u32 next;
  };

  static constexpr u32 kNowhere = ~u32{0};  // as a target: the value is not needed
  static constexpr u32 kMostRegisters = 65'000;

  // --- Expressions: compiler.cpp

  void compile(Node* node, u32 to, bool is_tail);
  u32 operand(Node* node);
  void branch(Node* node, bool sense, Jumps& jumps);
  void give_constant(Value value, u32 to, bool is_tail);
  void give_local(Variable* variable, u32 to, bool is_tail);
  void give_register(u32 from, u32 to, bool is_tail);
  void assign(Variable* variable, Node* node);
  void call(Node* node, u32 to, bool is_tail);
  void bind(Node* node);
  void finish(Variable* variable);

  // --- Procedures: compiler_procedures.cpp

  Value lambda(Node* node, const Variable* self, std::vector<Variable*>& captures);
  void closure(Node* node, u32 to, const Variable* self);
  void choice(Node* node, u32 to);

  // --- Labels: compiler_labels.cpp

  bool has_labels(const Node* node) const;
  void with_labels(Node* node, u32 to, bool is_tail);
  void jump_to_label(Label& label, const Node* call);
  u64 parameters_used(const Node* node, const Label& label, u32& budget) const;
  void place(Label& label);

  // --- What the machine has instructions for: compiler_builtins.cpp

  // The instruction that does a call, kNoOp if none.
  u16 instruction_for(const Node* node) const;
  const Builtin* constant_builtin(const Node* operation) const;
  bool inlined(Node* node, u32 to);
  bool is_simple(const Node* node) const;
  bool compare_and_jump(const Node* node, u16 op, bool sense, Jumps& jumps);

  // --- Code: compiler_code.cpp

  u32 here() const { return static_cast<u32>(function_->words.size()); }
  void emit(Op op, u32 a, u32 b = 0, u32 c = 0);
  void emit_word(u64 word) { function_->words.push_back(word); }
  void emit_constant_word(Value value, u32 a = 0);
  void emit_jump(Op op, u32 a, u32 b, Jumps& jumps);
  void emit_return(u32 from);
  void land(Jumps& jumps) { land(jumps, here()); }
  void land(Jumps& jumps, u32 target);
  u32 reserve(u32 count = 1);
  u32 temporary() { return reserve(); }
  u32 capture(Function* function, Variable* variable);
  bool is_self(const Variable* variable) const { return function_->self == variable && variable != nullptr; }

  struct Jump {
    u32 at;
    u32 next;
  };

  Machine& machine_;
  Heap& heap_;
  const bool is_long_;
  bool is_too_far_ = false;
  bool is_too_large_ = false;
  u64 words_ = 0;  // of all procedures
  Function* function_ = nullptr;
  std::vector<Jump> jumps_{{0, 0}};
  Pool<Label> labels_;
  std::vector<Label*> wanted_;
  std::vector<Patch> patches_{{0, 0, 0}};
};

}  // namespace heddle::lisp
