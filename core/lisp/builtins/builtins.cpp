#include "lisp/builtins/builtins.h"

#include "lisp/machine.h"

namespace heddle::lisp {

void Machine::define(const BuiltinDefinition* definitions, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) define(definitions[i]);
}

void define_builtins(Machine& machine) {
  define_booleans(machine);
  define_bytevectors(machine);
  define_chars(machine);
  define_concurrency(machine);
  define_control(machine);
  define_equality(machine);
  define_eval(machine);
  define_hash_tables(machine);
  define_json_reader(machine);
  define_json_writer(machine);
  define_lists(machine);
  define_numbers(machine);
  define_ports(machine);
  define_promises(machine);
  define_records(machine);
  define_refused(machine);
  define_strings(machine);
  define_synchronization(machine);
  define_vectors(machine);
}

}  // namespace heddle::lisp
