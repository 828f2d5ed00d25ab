// One run of the expander over one top-level form: private to expander*.cpp and syntax_rules.cpp.
//
// Local bindings live in a stack of scopes. For each identifier there is a chain of its bindings, innermost first, each
// with the depth of its scope; an environment of a local macro is such a depth (as a fixnum), so that a look-up "as
// seen where the macro was defined" takes the first binding of the chain that is not deeper. Depth 0 is the top level.
//
// A handler of a form gets the whole form, checked to be a proper list; it gives nullptr after an error was raised.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lisp/expander/environment.h"
#include "lisp/expander/expander.h"
#include "lisp/identity_map.h"
#include "lisp/pool.h"

namespace heddle::lisp {

// Special forms, by number; the table with their names is in expander_forms.cpp.
enum class Form : u8 {
  // Definitions.
  kDefine,
  kDefineValues,
  kDefineRecordType,
  kDefineSyntax,
  kDefineLibrary,
  kImport,
  kBegin,
  // Expressions.
  kQuote,
  kQuasiquote,
  kLambda,
  kCaseLambda,
  kSet,
  kIf,
  kCond,
  kCase,
  kAnd,
  kOr,
  kWhen,
  kUnless,
  kLet,
  kLetStar,
  kLetrec,
  kLetrecStar,
  kLetValues,
  kLetStarValues,
  kDo,
  kLetSyntax,
  kLetrecSyntax,
  kDelay,
  kDelayForce,
  kParameterize,
  kGuard,
  kAssert,
  kCondExpand,
  kInclude,
  kIncludeCi,
  kSyntaxError,
  // Words that mean something inside other forms only.
  kSyntaxRules,
  kElse,
  kArrow,
  kEllipsis,
  kUnderscore,
  kUnquote,
  kUnquoteSplicing,
};

// Of one top-level form. Work is counted in pairs looked at: about a second of it.
constexpr u32 kMaxExpansions = 200'000;
constexpr u64 kMaxWork = 100'000'000;

// The variables of one letrec* or body, and which of them each initializer refers to.
struct LetrecGroup {
  i32 current = -1;  // the initializer that is being expanded
  std::vector<std::vector<u32>> references;
};

struct Binding {
  Value identifier;
  u32 depth = 0;                 // of its scope
  Variable* variable = nullptr;  // or a keyword:
  Value keyword = kFalse;        // Macro or Special
  Binding* outer = nullptr;      // the next binding of the same identifier
  LetrecGroup* group = nullptr;
  u32 index = 0;  // in the group
};

// What an identifier means: a local binding; or, if that is nullptr, a name in an environment, bound there to a Cell, a
// Macro or a Special, or to nothing (kUndefined).
struct Meaning {
  Binding* local = nullptr;
  Value environment = kFalse;
  Value symbol = kFalse;
  Value global = kUndefined;

  Value keyword() const { return local != nullptr ? local->keyword : global; }
};

// Whether following the tails never ends.
bool is_circular(Value list);

class Expansion {
 public:
  Expansion(Machine& machine, Arena& arena, Value environment)
      : machine_(machine), heap_(machine.heap()), arena_(arena), environment_(environment) {}

  Node* top_level(Value form);

  // --- Identifiers

  static bool is_identifier(Value value) { return is_symbol(value) || is_a(value, Type::kAlias); }
  static Value symbol_of(Value identifier);
  // Whether a symbol evaluates to itself unless it is bound: ":name".
  static bool is_keyword(Value symbol);
  Meaning meaning(Value identifier);
  // What it means where a macro was defined: `environment` is an Environment or the depth of a scope.
  Meaning meaning_in(Value identifier, Value environment);
  // Whether both mean the same (free-identifier=? of R6RS).
  bool same_meaning(const Meaning& a, const Meaning& b) const;
  bool is_word(Value value, Form form);
  // The environment of a macro that is defined here.
  Value here() const { return depth_ == 0 ? environment_ : Value::fixnum(depth_); }
  // A fresh identifier that means a name of the core.
  Value core_identifier(std::string_view name);
  Value rename(Value identifier, Value environment);

  // --- Errors and limits

  // Raise a SyntaxError about a form; both give nothing: nullptr or kRaised.
  Node* error(Value form, std::string_view message);
  Value error_value(Value form, std::string_view message);
  // The items of a proper list; -1 if it is none, or circular. Counts as work.
  i64 length(Value list);
  // Counts work; false, an error raised, where a form makes too much.
  bool work(u64 steps, Value form);

  Machine& machine() { return machine_; }
  Heap& heap() { return heap_; }

  // --- Data

  // The datum with symbols in the place of aliases; what has none stays the same object.
  Value strip(Value datum);
  Value list(std::initializer_list<Value> items, Value tail = kNil);
  // A pair that stands where `like` stands.
  Value cons_like(Value like, Value car, Value cdr);

 private:
  struct Scope {
    std::vector<Binding*> bindings;
  };
  // A level of the recursion, and where we are in the text.
  class Level;
  friend class Level;
  // A scope, open while this lives.
  class ScopeGuard;
  friend class ScopeGuard;

  struct Special {
    const char* name;
    Form form;
    Node* (Expansion::*expand)(Value form);  // nullptr: no expression
  };
  static const Special kSpecials[];
  friend Value make_core_environment(Heap& heap);

  // --- The heart: expander.cpp

  void note_position(Value form);

  Node* expand(Value form);
  Node* expand_named(Value form, Value name);
  Node* reference(Value identifier);
  Node* call(Value form);
  Node* constant(Value value) {
    Node* node = arena_.node(NodeKind::kConstant, here_);
    node->value = value;
    return node;
  }
  Node* unspecified() { return constant(kUnspecified); }
  Node* local(Variable* variable);
  Node* core_reference(std::string_view name);
  Node* core_call(std::string_view name, std::initializer_list<Node*> arguments);
  Node* node(NodeKind kind, std::initializer_list<Node*> children);
  // Of nodes that were made already: the only one, or a kSequence.
  Node* sequence_of(std::vector<Node*>&& nodes);
  // Expressions of a list, evaluated in order; the list may be empty: unspecified.
  Node* sequence(Value forms);
  Node* thunk(Node* body);

  // The head's meaning if the form is a use of a keyword, else kFalse. kRaised cannot be.
  Value keyword_of(Value form);
  // One step: the form that a use of a macro or of a rewriting form becomes. kRaised after an error.
  Value expand_macro(Value form, Value macro);
  // Both are false, an error raised, where it is too much: with one more begin whose forms take its place among those
  // around it (circular code has such a one for ever); with the nodes so far.
  bool splices(Value form);
  bool has_room_for_nodes(Value form);
  bool is_rewriting(Form form) const;
  Value rewrite(Value form, Form which);

  void open_scope();
  void close_scope();
  // Binds an identifier in the innermost scope. nullptr, an error raised, if it is no identifier or bound there
  // already.
  Binding* bind_here(Value identifier, Value form);
  Variable* bind_variable(Value identifier, Value form);

  // --- Lambda and bodies: expander_bodies.cpp

  Node* lambda(Value formals, Value body, Value form, Value name);
  // (define name value), (define (name . formals) body ...): the parts. False: an error was raised.
  struct DefineParts {
    Value identifier;
    Value value;    // the expression, or
    Value formals;  // of a procedure
    Value body;
    bool is_procedure;
  };
  struct BodyItem {
    Value form;
    bool is_definition = false;
    Variable* variable = nullptr;
    Binding* binding = nullptr;
    DefineParts parts;
  };
  bool scan_body(Value forms, Value form, std::vector<BodyItem>& items, std::size_t& definitions);
  // A body in a scope of its own.
  Node* body(Value forms, Value form);
  // What is common to bodies and letrec: the initializers are expanded, in order; the variables see each other.
  struct Definition {
    Variable* variable;  // one without a name, for an expression
    Node* initializer;
  };
  Node* letrec(std::vector<Definition>& definitions, const LetrecGroup& group, Node* body);
  bool parse_define(Value form, DefineParts& parts);
  Node* expand_define_value(const DefineParts& parts, Value form);
  // The keyword that (define-syntax name spec) binds: a Macro or Special, kRaised after an error.
  Value transformer(Value spec, Value name, Value form);

  // --- Top level: expander_top.cpp

  Node* define_global(Value form);
  bool define_syntax_global(Value form);
  void adopt(Value form);

  // --- Forms: expander_forms.cpp, expander_binding.cpp, expander_derived.cpp

  Node* quote(Value form);
  Node* quasiquote(Value form);
  bool is_tagged(Value datum, Form form);
  Node* quasi_tagged(Value datum, u32 level, bool& is_static);
  Node* quasi(Value datum, u32 level, bool& is_static);
  Node* lambda_form(Value form);
  Node* case_lambda(Value form);
  Node* set(Value form);
  Node* if_form(Value form);
  Node* cond(Value form);
  Node* case_form(Value form);
  Node** bind_test(Node** hole, Node* test, Node* receiver);
  Node* clauses(Value clauses, Node* otherwise, Value form);
  Node* case_test(Variable* key, Value data);
  Node* junction(Value form);
  Node* when(Value form);
  Node* begin(Value form);
  Node* let(Value form);
  Node* named_let(Value form);
  Node* let_star(Value form);
  Node* letrec_form(Value form);
  Node* let_values(Value form);
  Node* do_form(Value form);
  Node* let_syntax(Value form);
  Node* delay(Value form);
  Node* parameterize(Value form);
  Node* guard(Value form);
  Node* assert_form(Value form);
  Node* include(Value form);
  Node* syntax_error_form(Value form);
  bool parse_bindings(Value bindings, Value form, std::vector<Value>& names, std::vector<Node*>& values);
  Node* bind_formals(Value formals, Value form);
  Node* call_loop(Variable* name, Node* procedure, std::vector<Node*>&& initial);

  Value define_values(Value form);
  Value define_record_type(Value form);
  Value cond_expand(Value form);

  // --- Libraries: expander_libraries.cpp

  struct LibraryParts {
    std::vector<Value> exports;  // specs
    std::vector<Value> bodies;   // lists of forms
    std::vector<Node*> nodes;
  };
  Value import_set(Value set, Value form, std::vector<Value>& libraries);
  Node* import(Value form);
  bool library_name(Value name);
  bool declare(Value declarations, Value form, Expansion& inside, LibraryParts& parts);
  Node* define_library(Value form);
  bool has_feature(Value requirement, Value form, bool& result);
  bool choose(Value form, Value& chosen);

  Machine& machine_;
  Heap& heap_;
  Arena& arena_;
  const Value environment_;
  Position here_;
  Pool<Binding> bindings_;
  std::vector<Scope> scopes_;  // [depth - 1]
  IdentityMap innermost_;      // identifier -> Binding*
  Pool<LetrecGroup> groups_;
  u32 depth_ = 0;    // of scopes
  u32 nesting_ = 0;  // of the recursion
  u32 aliases_ = 0;  // made so far
  u32 expansions_ = 0;
  u64 work_ = 0;
};

}  // namespace heddle::lisp
