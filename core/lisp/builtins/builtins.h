// The procedures of the language that are written in C++, by topic: each function defines those of one file.
#pragma once

namespace heddle::lisp {

class Machine;

void define_booleans(Machine& machine);
void define_bytevectors(Machine& machine);
void define_chars(Machine& machine);
void define_concurrency(Machine& machine);
void define_control(Machine& machine);
void define_equality(Machine& machine);
void define_eval(Machine& machine);
void define_hash_tables(Machine& machine);
void define_json_reader(Machine& machine);
void define_json_writer(Machine& machine);
void define_lists(Machine& machine);
void define_numbers(Machine& machine);
void define_ports(Machine& machine);
void define_promises(Machine& machine);
void define_records(Machine& machine);
void define_refused(Machine& machine);
void define_strings(Machine& machine);
void define_synchronization(Machine& machine);
void define_vectors(Machine& machine);

// All of them.
void define_builtins(Machine& machine);

}  // namespace heddle::lisp
