#include "lisp/builtins/builtins.h"

namespace heddle::lisp {

void define_builtins(Machine& machine) {
  define_booleans(machine);
  define_bytevectors(machine);
  define_chars(machine);
  define_concurrency(machine);
  define_control(machine);
  define_equality(machine);
  define_eval(machine);
  define_hash_tables(machine);
  define_json(machine);
  define_lists(machine);
  define_numbers(machine);
  define_ports(machine);
  define_promises(machine);
  define_records(machine);
  define_refused(machine);
  define_strings(machine);
  define_vectors(machine);
}

}  // namespace heddle::lisp
