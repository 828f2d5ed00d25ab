#include "lisp/expander/environment.h"

#include "lisp/compiler/ir.h"

namespace heddle::lisp {
namespace {

constexpr u32 kFirstSlots = 16;  // of the table: two for each name

Environment* view(Value environment) { return as<Environment>(environment); }

// The slot of a symbol in a table, or the free one where it belongs. There is always a free one.
u32 slot_of(const Vector& names, Value symbol) {
  const u32 mask = names.length - 1;
  u32 slot = static_cast<u32>(as<Symbol>(symbol)->hash * 2) & mask;
  while (names.items[slot] != symbol && names.items[slot] != kUndefined) slot = (slot + 2) & mask;
  return slot;
}

void grow(Heap& heap, Environment& environment) {
  const auto* old = as<Vector>(environment.names);
  const Value larger = heap.vector(old->length * 2, kUndefined);
  auto* names = as<Vector>(larger);
  for (u32 slot = 0; slot < old->length; slot += 2) {
    if (old->items[slot] == kUndefined) continue;
    const u32 place = slot_of(*names, old->items[slot]);
    names->items[place] = old->items[slot];
    names->items[place + 1] = old->items[slot + 1];
  }
  heap.write(environment.names, larger);
}

Value make_cell(Heap& heap, Value name, Value value, u16 aux) {
  auto* cell = heap.make<Cell>(Type::kCell, sizeof(Cell), 0, aux);
  cell->value = value;
  cell->name = name;
  return Value::object(cell);
}

EnvironmentKind kind_of(Value environment) { return static_cast<EnvironmentKind>(view(environment)->aux); }

// Among the names that it imports.
Value find_imported(Value environment, Value symbol) {
  for (Value imports = view(environment)->imports; imports.is_true(); imports = view(imports)->imports) {
    if (kind_of(imports) == EnvironmentKind::kCore && is_private(symbol)) return kUndefined;
    const Value binding = find_own(imports, symbol);
    if (binding != kUndefined) return binding;
  }
  return kUndefined;
}

Value bind_new_cell(Heap& heap, Value environment, Value symbol) {
  const bool is_core = kind_of(environment) == EnvironmentKind::kCore;
  const Value cell = make_cell(heap, symbol, kUndefined, is_core ? kCellIsConstant : 0);
  bind(heap, environment, symbol, cell);
  return cell;
}

}  // namespace

bool is_private(Value symbol) {
  const auto* name = as<String>(as<Symbol>(symbol)->name);
  return name->length > 0 && !name->is_wide() && as<Bytes>(name->bytes)->data[0] == '%';
}

Value make_environment(Heap& heap, EnvironmentKind kind, Value imports) {
  auto* environment = heap.make<Environment>(Type::kEnvironment, sizeof(Environment), 0, static_cast<u16>(kind));
  const Value result = Value::object(environment);
  environment->names = kFalse;
  environment->imports = imports;
  environment->libraries = kFalse;
  environment->changed = kFalse;
  const Value names = heap.vector(kFirstSlots, kUndefined);
  environment->names = names;
  return result;
}

Value make_program_environment(Heap& heap, Value core) {
  const Value imports = make_environment(heap, EnvironmentKind::kTable, core);
  const Value environment = make_environment(heap, EnvironmentKind::kProgram, imports);
  const Value libraries = make_environment(heap, EnvironmentKind::kTable);
  heap.write(view(environment)->libraries, libraries);
  return environment;
}

void import_binding(Heap& heap, Value environment, Value symbol, Value binding) {
  if (find_own(environment, symbol) != kUndefined) bind(heap, environment, symbol, kUndefined);
  bind(heap, view(environment)->imports, symbol, binding);
}

void note_change(Heap& heap, Value environment, Value symbol) {
  if (!view(environment)->changed.is_true()) {
    const Value changed = make_environment(heap, EnvironmentKind::kTable);
    heap.write(view(environment)->changed, changed);
  }
  bind(heap, view(environment)->changed, symbol, kTrue);
  const Value own = find_own(environment, symbol);
  if (is_a(own, Type::kCell)) as<Cell>(own)->aux &= ~kCellIsConstant;
}

Value find_own(Value environment, Value symbol) {
  const auto* names = as<Vector>(view(environment)->names);
  const u32 slot = slot_of(*names, symbol);
  return names->items[slot] == kUndefined ? kUndefined : names->items[slot + 1];
}

Value find_binding(Value environment, Value symbol) {
  const Value own = find_own(environment, symbol);
  return own == kUndefined ? find_imported(environment, symbol) : own;
}

void bind(Heap& heap, Value environment, Value symbol, Value binding) {
  Environment& table = *view(environment);
  auto* names = as<Vector>(table.names);
  u32 slot = slot_of(*names, symbol);
  if (names->items[slot] == kUndefined) {
    // At most two thirds full.
    const i64 count = table.count.to_fixnum() + 1;
    if (count * 3 > names->length) {
      grow(heap, table);
      names = as<Vector>(table.names);
      slot = slot_of(*names, symbol);
    }
    table.count = Value::fixnum(count);
    heap.write(names->items[slot], symbol);
  }
  heap.write(names->items[slot + 1], binding);
}

Value refer(Heap& heap, Value environment, Value symbol) {
  const Value own = find_own(environment, symbol);
  if (own != kUndefined) return own;
  const Value imported = find_imported(environment, symbol);
  if (imported == kUndefined) return bind_new_cell(heap, environment, symbol);
  if (!is_a(imported, Type::kCell)) return imported;
  const auto* cell = as<Cell>(imported);
  if ((cell->aux & kCellIsConstant) == 0 || kind_of(environment) != EnvironmentKind::kProgram) return imported;
  const Value changed = view(environment)->changed;
  const bool is_constant = !changed.is_true() || find_own(changed, symbol) == kUndefined;
  const Value copy = make_cell(heap, cell->name, cell->value, is_constant ? kCellIsConstant : 0);
  bind(heap, environment, symbol, copy);
  return copy;
}

Value cell_to_define(Heap& heap, Value environment, Value symbol) {
  const Value own = find_own(environment, symbol);
  const EnvironmentKind kind = kind_of(environment);
  if (own == kUndefined && kind == EnvironmentKind::kLibrary && find_imported(environment, symbol) != kUndefined) {
    return kUndefined;
  }
  if (!is_a(own, Type::kCell)) return bind_new_cell(heap, environment, symbol);
  if (kind != EnvironmentKind::kCore) as<Cell>(own)->aux &= ~kCellIsConstant;
  return own;
}

Value cell_to_assign(Heap& heap, Value environment, Value symbol) {
  const Value cell = refer(heap, environment, symbol);
  if (!is_a(cell, Type::kCell) || find_own(environment, symbol) != cell) return kUndefined;
  if (kind_of(environment) != EnvironmentKind::kCore) as<Cell>(cell)->aux &= ~kCellIsConstant;
  return cell;
}

Value core_cell(Heap& heap, Value core, std::string_view name) { return refer(heap, core, heap.symbol(name)); }

}  // namespace heddle::lisp
