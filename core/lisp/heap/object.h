// The objects of the heap: their layouts. Every field is a Value, or a number of fixed width, and there are no pointers
// but inside Values, so that an object has the same size natively and in WebAssembly, and a heap limit means the same.
//
// Invariant: whoever stores a heap value into an object that exists already uses Heap::write() (the collector's
// barrier); fields of an object that was allocated just now, with no other allocation or instruction in between, are
// set plainly.
#pragma once

#include <string_view>

#include "heddle/types.h"
#include "lisp/heap/value.h"

namespace heddle::lisp {

enum class Type : u8 {
  kFree = 0,  // memory of the heap that holds no object
  // --- length says
  kPair,
  kClosure,        // length: free variables
  kBox,            // a variable that is both captured and assigned
  kCell,           // a top-level variable
  kSymbol,         //
  kString,         // length: characters
  kBytes,          // length: bytes; a bytevector, and what strings and ports keep their text in
  kVector,         // length: elements
  kFlonum,         //
  kBignum,         // length: 32-bit limbs; aux: 1 if negative
  kRatnum,         //
  kValues,         // length: values; what (values ...) gives unless it is one
  kBuiltin,        // a procedure written in C++
  kHostProcedure,  // a procedure of the host, by its number
  kCode,           // compiled code, see code.h
  kChunk,          // a piece of a stack; length: slots. See stack.h
  kContinuation,   //
  kFiber,          //
  kParameter,      //
  kPromise,        //
  kRecordType,     // length: fields
  kRecord,         // length: fields
  kCondition,      // an error object
  kHashTable,      //
  kPort,           //
  kSync,           // an object at which fibers wait for each other; aux: SyncKind
  kEnvironment,    // a top level, or a library's inside
  kLibrary,        //
  kMacro,          // of syntax-rules
  kSpecial,        // a special form, by its number
  kAlias,          // an identifier that a macro's expansion introduced
};
constexpr u32 kTypes = static_cast<u32>(Type::kAlias) + 1;

struct Object {
  Type type = Type::kFree;
  u8 mark = 0;  // the collector's
  u16 aux = 0;  // of the type's own use
  u32 length = 0;
};
static_assert(sizeof(Object) == 8);

// A pair that the reader made knows where its parenthesis stands: aux is the number of the source (Sources), length is
// line << 12 | column. Both are 0 otherwise.
struct Pair : Object {
  Value car;
  Value cdr;
};
static_assert(sizeof(Pair) == 24);

struct Closure : Object {
  Value code;     // Code
  Value free[1];  // `length` of them; a variable that is assigned is a Box

  static constexpr u64 size(u64 count) { return 16 + 8 * count; }
};

struct Box : Object {
  Value value;
};

// A top-level variable. Code names it directly; an environment maps symbols to cells.
struct Cell : Object {
  Value value;  // kUndefined: unbound
  Value name;   // Symbol
};

// aux: 1 for one that the reader could not have made (not interned).
struct Symbol : Object {
  Value name;  // String, immutable
  u64 hash = 0;
};

// Characters are of one width in a string: 1 byte where all are below U+0100, else 4. aux: bit 0 immutable, bit 1 wide.
// The text lies in a Bytes object of its own, so that a string can be widened where it is.
struct String : Object {
  Value bytes;

  static constexpr u16 kImmutable = 1;
  static constexpr u16 kWide = 2;
  bool is_wide() const { return (aux & kWide) != 0; }
  bool is_immutable() const { return (aux & kImmutable) != 0; }
};

struct Bytes : Object {
  u8 data[8];  // `length` of them

  static constexpr u64 size(u64 count) { return 8 + count; }
};

// aux: 1 for a literal, which is immutable.
struct Vector : Object {
  Value items[1];  // `length` of them

  static constexpr u64 size(u64 count) { return 8 + 8 * count; }
};

struct Flonum : Object {
  double number;
};

// Sign and magnitude, least significant limb first, no leading zero limb, never a number that fits a fixnum.
struct Bignum : Object {
  u32 limbs[2];

  static constexpr u64 size(u64 count) { return 8 + 4 * count; }
};

// In lowest terms, the denominator above 1.
struct Ratnum : Object {
  Value numerator;
  Value denominator;
};

struct Values : Object {
  Value items[1];

  static constexpr u64 size(u64 count) { return 8 + 8 * count; }
};

// A procedure written in C++; what it does is in Machine's table, at `index`.
struct Builtin : Object {
  u64 index = 0;
  Value name;  // Symbol
};

// A procedure that the host defined; calling it is an operation of the fiber.
struct HostProcedure : Object {
  u64 id = 0;
  Value name;  // Symbol
};

struct Parameter : Object {
  Value value;      // where no parameterize is around
  Value converter;  // a procedure or #f
};

// What (delay ...) gives; shared by the promises that delay-force chained.
struct Promise : Object {
  Value is_done;  // boolean, or another Promise whose content this one shares
  Value content;  // the value, or the thunk
};

// A mutex, a semaphore, an ivar, a channel or a barrier of the kernel's, which lives as long as this.
struct SyncReference : Object {
  Value name;  // String or #f
  u32 id = 0;
  u32 seq = 0;
};

struct RecordType : Object {
  Value name;    // Symbol
  Value fields;  // Vector of Symbols
};

struct Record : Object {
  Value type;  // RecordType
  Value fields[1];

  static constexpr u64 size(u64 count) { return 16 + 8 * count; }
};

// An error object. (raise obj) takes any object; what the machine and `error` raise are these.
struct Condition : Object {
  Value code;       // Symbol: the stable code, as condition-code gives it
  Value message;    // String
  Value irritants;  // list
  Value position;   // "file:line:column" as a String, or #f
  Value backtrace;  // list of such Strings, innermost first
  Value
      payload;  // what a condition of this code carries besides (a host's error by its number, causes, a limit), or #f
};

// Names and what they mean: a Cell, a Macro or a Special each. See environment.h. All fields are Values, as in the
// three objects below.
struct Environment : Object {
  Value names;      // Vector: an open-addressed table of symbols, each followed by its binding; kUndefined: free
  Value count;      // fixnum: names in the table
  Value imports;    // the Environment whose names are seen where the table has none, or #f
  Value libraries;  // the Environment that maps the names of libraries to Library objects, or #f
  Value changed;    // the Environment of the imported names that the program's source defines or assigns, or #f
};

struct Library : Object {
  Value name;         // list
  Value exports;      // Environment
  Value environment;  // its inside
  Value body;         // a procedure that runs its definitions; #f once they ran
};

struct Macro : Object {
  Value name;         // Symbol, for messages
  Value rules;        // compiled, see syntax_rules.h
  Value environment;  // where it was defined: an Environment, or a fixnum that the expander understands
};

struct Special : Object {
  Value name;  // Symbol
  Value form;  // fixnum: which one, see expander.h
};

// See hash_table.h. aux: TableKind.
struct HashTable : Object {
  Value entries;   // Vector: key, value, key, value ... in the order of insertion; of a removed one kUndefined twice
  Value places;    // Bytes: an open-addressed table of hashes and entries; or #f while there are few entries
  u32 count = 0;   // entries that are there
  u32 filled = 0;  // entries, removed ones included
};

struct Alias : Object {
  Value name;         // Symbol or Alias: what the macro's template says
  Value environment;  // the macro's, as there: where the name means something unless the expansion binds it
};

// Views of a value whose type is known.
template <typename T>
T* as(Value value) {
  return static_cast<T*>(value.to_object());
}
inline bool is_a(Value value, Type type) { return value.is_object() && value.to_object()->type == type; }
inline bool is_symbol(Value value) { return is_a(value, Type::kSymbol); }
inline bool is_string(Value value) { return is_a(value, Type::kString); }
inline bool is_flonum(Value value) { return is_a(value, Type::kFlonum); }

inline Value car(Value pair) { return pair.to_pair()->car; }
inline Value cdr(Value pair) { return pair.to_pair()->cdr; }

}  // namespace heddle::lisp
