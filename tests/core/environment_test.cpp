#include "lisp/expander/environment.h"

#include <gtest/gtest.h>

#include "lisp/compiler/ir.h"

namespace heddle::lisp {
namespace {

class EnvironmentTest : public testing::Test {
 protected:
  Value symbol(std::string_view name) { return heap.symbol(name); }
  static Cell* cell(Value value) { return as<Cell>(value); }

  Heap heap;
  Value core = make_core_environment(heap);
  Value program = make_program_environment(heap, core);
};

TEST_F(EnvironmentTest, many_names_keep_their_bindings) {
  for (int i = 0; i < 5000; ++i) bind(heap, program, symbol("name-" + std::to_string(i)), Value::fixnum(i));
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(find_own(program, symbol("name-" + std::to_string(i))), Value::fixnum(i));
  }
  EXPECT_EQ(find_own(program, symbol("name")), kUndefined);
}

TEST_F(EnvironmentTest, a_program_gets_its_own_copy_of_a_cell_of_the_core) {
  const Value of_core = core_cell(heap, core, "car");
  cell(of_core)->value = Value::fixnum(1);
  const Value copy = refer(heap, program, symbol("car"));
  EXPECT_NE(copy, of_core);
  EXPECT_EQ(refer(heap, program, symbol("car")), copy);
  EXPECT_EQ(cell(copy)->value, Value::fixnum(1));
  EXPECT_TRUE(cell(copy)->aux & kCellIsConstant);

  EXPECT_EQ(cell_to_define(heap, program, symbol("car")), copy);
  EXPECT_FALSE(cell(copy)->aux & kCellIsConstant);
  EXPECT_TRUE(cell(of_core)->aux & kCellIsConstant);
}

TEST_F(EnvironmentTest, what_a_source_changes_is_not_constant_when_it_is_first_referred_to) {
  cell(core_cell(heap, core, "car"))->value = Value::fixnum(1);
  note_change(heap, program, symbol("car"));
  EXPECT_FALSE(cell(refer(heap, program, symbol("car")))->aux & kCellIsConstant);
}

TEST_F(EnvironmentTest, private_names_of_the_core_are_not_seen) {
  core_cell(heap, core, "%secret");
  EXPECT_EQ(find_binding(program, symbol("%secret")), kUndefined);
  EXPECT_NE(find_binding(core, symbol("%secret")), kUndefined);
}

TEST_F(EnvironmentTest, a_library_cannot_change_what_it_imports) {
  const Value imports = make_environment(heap, EnvironmentKind::kTable);
  const Value library = make_environment(heap, EnvironmentKind::kLibrary, imports);
  import_binding(heap, library, symbol("car"), core_cell(heap, core, "car"));
  EXPECT_EQ(cell_to_define(heap, library, symbol("car")), kUndefined);
  EXPECT_EQ(cell_to_assign(heap, library, symbol("car")), kUndefined);
  EXPECT_EQ(refer(heap, library, symbol("car")), core_cell(heap, core, "car"));
  EXPECT_NE(cell_to_define(heap, library, symbol("cdr")), kUndefined);
}

TEST_F(EnvironmentTest, an_import_takes_the_place_of_an_own_name) {
  bind(heap, program, symbol("x"), Value::fixnum(1));
  import_binding(heap, program, symbol("x"), Value::fixnum(2));
  EXPECT_EQ(find_binding(program, symbol("x")), Value::fixnum(2));
}

TEST_F(EnvironmentTest, a_definition_takes_the_place_of_syntax) {
  EXPECT_TRUE(is_a(find_binding(program, symbol("if")), Type::kSpecial));
  const Value defined = cell_to_define(heap, program, symbol("if"));
  EXPECT_EQ(find_binding(program, symbol("if")), defined);
  EXPECT_TRUE(is_a(find_binding(core, symbol("if")), Type::kSpecial));
}

}  // namespace
}  // namespace heddle::lisp
