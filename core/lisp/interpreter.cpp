// The loop that runs instructions. One function, so that the registers are its locals; everything that is not short is
// elsewhere. Its size is that of the instruction set.
//
// Invariants: each word that is executed counts one step. Nothing is collected but in safe_point(), after an
// instruction that allocates; all live values are in registers of frames then. A fiber stops at calls and at the
// beginning of a loop's turn only.
#include "lisp/machine.h"

namespace heddle::lisp {

namespace {

inline i32 far(const Instruction* pc) { return static_cast<i32>(static_cast<u32>(pc->c) << 16 | pc->b); }
inline i32 near(const Instruction* pc) { return static_cast<std::int16_t>(pc->c); }
inline i64 imm(const Instruction* pc) { return static_cast<std::int16_t>(pc->b); }
inline Value constant(const Instruction* pc) {
  u64 bits;
  __builtin_memcpy(&bits, pc + 1, sizeof bits);
  return Value(bits);
}
// Of a word that carries an `a` above an address.
inline Object* address(const Instruction* pc) {
  if constexpr (sizeof(void*) == 4) {
    u32 bits;
    __builtin_memcpy(&bits, pc + 1, sizeof bits);
    return reinterpret_cast<Object*>(static_cast<std::uintptr_t>(bits & ~u32{7}));
  } else {
    u64 bits;
    __builtin_memcpy(&bits, pc + 1, sizeof bits);
    return reinterpret_cast<Object*>(static_cast<std::uintptr_t>(bits & 0x0000fffffffffff8));
  }
}
inline Value return_word(const Instruction* pc) {
  return Value(static_cast<u64>(reinterpret_cast<std::uintptr_t>(pc)));
}
inline const Instruction* return_address(Value word) {
  return reinterpret_cast<const Instruction*>(static_cast<std::uintptr_t>(word.bits()));
}
inline bool both_fixnums(Value left, Value right) { return ((left.bits() | right.bits()) & 1) == 0; }
inline i64 word(Value value) { return static_cast<i64>(value.bits()); }

// A flonum and a flonum, or a fixnum that a double holds exactly: as numbers. Not two fixnums.
inline bool are_flonums(Value left, Value right, double& left_number, double& right_number) {
  auto is_number = [](Value value, double& number) {
    if (is_flonum(value)) {
      number = as<Flonum>(value)->number;
      return true;
    }
    constexpr i64 kExact = i64{1} << 53;
    if (!value.is_fixnum() || value.to_fixnum() > kExact || value.to_fixnum() < -kExact) return false;
    number = static_cast<double>(value.to_fixnum());
    return true;
  };
  return !both_fixnums(left, right) && is_number(left, left_number) && is_number(right, right_number);
}

}  // namespace

Turn Machine::execute(u64 fuel) {
  const Instruction* pc = pc_;
  Value* base = base_;
  Value* end = end_;
  i64 left = static_cast<i64>(fuel);
  // What the long ways work on.
  Value x;
  Value y;

// The registers, for whoever looks at them from outside.
#define HEDDLE_SAVE(next) (pc_ = (next), base_ = base)
#define HEDDLE_LOAD() (pc = pc_, base = base_, end = end_)
// After what may have raised: `size` words long.
#define HEDDLE_RESULT(value, size)        \
  {                                       \
    const Value result_ = (value);        \
    if (result_.is_signal()) [[unlikely]] \
      goto raised;                        \
    base[pc->a] = result_;                \
    pc += (size);                         \
    goto worked;                          \
  }
// The long way of an instruction: with two operands, one, or a test of two.
#define HEDDLE_SLOW2(left_value, right_value) \
  {                                           \
    x = (left_value);                         \
    y = (right_value);                        \
    goto slow_binary;                         \
  }
#define HEDDLE_SLOW1(operand) \
  {                           \
    x = (operand);            \
    goto slow_unary;          \
  }
// A jump is a branch of the processor, too: as a conditional move it would make the next instruction wait for the test.
#define HEDDLE_JUMP(condition, distance, size) \
  if (condition) {                             \
    asm volatile("");                          \
    pc += (distance);                          \
  } else {                                     \
    pc += (size);                              \
  }                                            \
  break;
// A test of two numbers that jumps.
#define HEDDLE_COMPARE(name, right_value, condition) \
  case Op::name: {                                   \
    const Value left_ = base[pc->a];                 \
    const Value right_ = (right_value);              \
    if (!both_fixnums(left_, right_)) [[unlikely]] { \
      x = left_;                                     \
      y = right_;                                    \
      goto slow_compare;                             \
    }                                                \
    const i64 l = word(left_);                       \
    const i64 r = word(right_);                      \
    HEDDLE_JUMP(condition, near(pc), 1)              \
  }
#define HEDDLE_COMPARE_BOTH(name, comparison)                                     \
  HEDDLE_COMPARE(kUnless##name, base[pc->b], !(l comparison r))                   \
  HEDDLE_COMPARE(kIf##name, base[pc->b], l comparison r)                          \
  HEDDLE_COMPARE(kUnless##name##Small, Value::fixnum(imm(pc)), !(l comparison r)) \
  HEDDLE_COMPARE(kIf##name##Small, Value::fixnum(imm(pc)), l comparison r)
// Arithmetic that may overflow.
#define HEDDLE_ARITHMETIC(right_value, builtin)                                                    \
  {                                                                                                \
    const Value left_ = base[pc->b];                                                               \
    const Value right_ = (right_value);                                                            \
    i64 result_;                                                                                   \
    if (both_fixnums(left_, right_) && !builtin(word(left_), word(right_), &result_)) [[likely]] { \
      base[pc->a] = Value(static_cast<u64>(result_));                                              \
      ++pc;                                                                                        \
      break;                                                                                       \
    }                                                                                              \
    HEDDLE_SLOW2(left_, right_)                                                                    \
  }
#define HEDDLE_PREDICATE(comparison)                                     \
  {                                                                      \
    const Value left_ = base[pc->b];                                     \
    const Value right_ = base[pc->c];                                    \
    if (both_fixnums(left_, right_)) [[likely]] {                        \
      base[pc->a] = Value::boolean(word(left_) comparison word(right_)); \
      ++pc;                                                              \
      break;                                                             \
    }                                                                    \
    HEDDLE_SLOW2(left_, right_)                                          \
  }

  for (;;) {
    --left;
    switch (static_cast<Op>(pc->op)) {
      case Op::kMove:
        base[pc->a] = base[pc->b];
        ++pc;
        break;
      case Op::kConstant:
        base[pc->a] = constant(pc);
        pc += 2;
        break;
      case Op::kSmall:
        base[pc->a] = Value::fixnum(far(pc));
        ++pc;
        break;
      case Op::kGlobal: {
        const Value value = static_cast<Cell*>(address(pc))->value;
        if (value == kUndefined) [[unlikely]]
          goto unbound;
        base[pc->a] = value;
        pc += 2;
        break;
      }
      case Op::kSetGlobal: {
        auto* cell = static_cast<Cell*>(address(pc));
        if (cell->value == kUndefined) [[unlikely]]
          goto unbound;
        heap_.write(cell->value, base[pc->a]);
        pc += 2;
        break;
      }
      case Op::kDefine:
        heap_.write(static_cast<Cell*>(address(pc))->value, base[pc->a]);
        pc += 2;
        break;
      case Op::kFree:
        base[pc->a] = base[-1].to_closure()->free[pc->b];
        ++pc;
        break;
      case Op::kSelf:
        base[pc->a] = base[-1];
        ++pc;
        break;
      case Op::kBox:
        base[pc->a] = heap_.box(base[pc->a]);
        ++pc;
        goto safe_point;
      case Op::kUnbox: {
        const Value value = as<Box>(base[pc->b])->value;
        if (value == kUndefined) [[unlikely]]
          goto undefined;
        base[pc->a] = value;
        ++pc;
        break;
      }
      case Op::kFreeUnbox: {
        const Value value = as<Box>(base[-1].to_closure()->free[pc->b])->value;
        if (value == kUndefined) [[unlikely]]
          goto undefined;
        base[pc->a] = value;
        ++pc;
        break;
      }
      case Op::kSetBox:
        heap_.write(as<Box>(base[pc->a])->value, base[pc->b]);
        ++pc;
        break;
      case Op::kFreeSetBox:
        heap_.write(as<Box>(base[-1].to_closure()->free[pc->a])->value, base[pc->b]);
        ++pc;
        break;
      case Op::kClosure: {
        const u32 count = pc->b;
        auto* closure = heap_.make<Closure>(Type::kClosure, Closure::size(count), count);
        closure->code = constant(pc);
        const u32 a = pc->a;
        pc += 2;
        for (u32 i = 0; i < count; ++i, ++pc) {
          closure->free[i] = pc->c == 0 ? base[pc->b] : base[-1].to_closure()->free[pc->b];
        }
        base[a] = Value::closure(closure);
        goto safe_point;
      }
      case Op::kPatch:
        heap_.write(base[pc->a].to_closure()->free[pc->b], base[pc->c]);
        ++pc;
        break;

      case Op::kJump: pc += far(pc); break;
      case Op::kLoop:
        pc += far(pc);
        if (left <= 0) [[unlikely]]
          goto preempted;
        break;
      case Op::kJumpTrue: HEDDLE_JUMP(base[pc->a].is_true(), far(pc), 1)
      case Op::kJumpFalse: HEDDLE_JUMP(!base[pc->a].is_true(), far(pc), 1)
      case Op::kUnlessNull: HEDDLE_JUMP(!base[pc->a].is_nil(), far(pc), 1)
      case Op::kIfNull: HEDDLE_JUMP(base[pc->a].is_nil(), far(pc), 1)
      case Op::kUnlessPair: HEDDLE_JUMP(!base[pc->a].is_pair(), far(pc), 1)
      case Op::kIfPair: HEDDLE_JUMP(base[pc->a].is_pair(), far(pc), 1)
      case Op::kUnlessEq: HEDDLE_JUMP(base[pc->a] != base[pc->b], near(pc), 1)
      case Op::kIfEq: HEDDLE_JUMP(base[pc->a] == base[pc->b], near(pc), 1)
      case Op::kUnlessEqConstant: HEDDLE_JUMP(base[pc->a] != constant(pc), far(pc), 2)
      case Op::kIfEqConstant: HEDDLE_JUMP(base[pc->a] == constant(pc), far(pc), 2)
      case Op::kUnlessEqv:
      case Op::kIfEqv: {
        const Value operands[2] = {base[pc->a], base[pc->b]};
        bool truth = operands[0] == operands[1];
        if (!truth && operands[0].is_object() && operands[1].is_object()) {
          HEDDLE_SAVE(pc + 1);
          truth = slow_[pc->op](*this, operands, 2).is_true();
        }
        pc += truth == (static_cast<Op>(pc->op) == Op::kIfEqv) ? near(pc) : 1;
        break;
      }
        HEDDLE_COMPARE_BOTH(Less, <)
        HEDDLE_COMPARE_BOTH(LessEqual, <=)
        HEDDLE_COMPARE_BOTH(Greater, >)
        HEDDLE_COMPARE_BOTH(GreaterEqual, >=)
        HEDDLE_COMPARE_BOTH(Equal, ==)

      case Op::kAdd: HEDDLE_ARITHMETIC(base[pc->c], __builtin_add_overflow)
      case Op::kSubtract: HEDDLE_ARITHMETIC(base[pc->c], __builtin_sub_overflow)
      case Op::kAddSmall: HEDDLE_ARITHMETIC(Value::fixnum(near(pc)), __builtin_add_overflow)
      case Op::kSubtractSmall: HEDDLE_ARITHMETIC(Value::fixnum(near(pc)), __builtin_sub_overflow)
      case Op::kMultiply: {
        const Value left_value = base[pc->b];
        const Value right_value = base[pc->c];
        i64 product;
        if (both_fixnums(left_value, right_value) &&
            !__builtin_mul_overflow(word(left_value), right_value.to_fixnum(), &product)) [[likely]] {
          base[pc->a] = Value(static_cast<u64>(product));
          ++pc;
          break;
        }
        HEDDLE_SLOW2(left_value, right_value)
      }
      case Op::kQuotient: {
        const Value dividend = base[pc->b];
        const Value divisor = base[pc->c];
        // The least fixnum divided by -1 is no fixnum.
        if (both_fixnums(dividend, divisor) && word(divisor) > 0) [[likely]] {
          base[pc->a] = Value::fixnum(word(dividend) / word(divisor));
          ++pc;
          break;
        }
        HEDDLE_SLOW2(dividend, divisor)
      }
      case Op::kRemainder: {
        const Value dividend = base[pc->b];
        const Value divisor = base[pc->c];
        if (both_fixnums(dividend, divisor) && word(divisor) > 0) [[likely]] {
          base[pc->a] = Value(static_cast<u64>(word(dividend) % word(divisor)));
          ++pc;
          break;
        }
        HEDDLE_SLOW2(dividend, divisor)
      }
      case Op::kModulo: {
        const Value dividend = base[pc->b];
        const Value divisor = base[pc->c];
        if (both_fixnums(dividend, divisor) && word(divisor) > 0) [[likely]] {
          i64 rest = word(dividend) % word(divisor);
          if (rest < 0) rest += word(divisor);
          base[pc->a] = Value(static_cast<u64>(rest));
          ++pc;
          break;
        }
        HEDDLE_SLOW2(dividend, divisor)
      }
      case Op::kLess: HEDDLE_PREDICATE(<)
      case Op::kLessEqual: HEDDLE_PREDICATE(<=)
      case Op::kGreater: HEDDLE_PREDICATE(>)
      case Op::kGreaterEqual: HEDDLE_PREDICATE(>=)
      case Op::kEqual: HEDDLE_PREDICATE(==)
      case Op::kCons:
        base[pc->a] = heap_.fast_cons(base[pc->b], base[pc->c]);
        ++pc;
        goto safe_point;
      case Op::kEq:
        base[pc->a] = Value::boolean(base[pc->b] == base[pc->c]);
        ++pc;
        break;
      case Op::kEqv:
        if (base[pc->b] == base[pc->c] || !base[pc->b].is_object()) {
          base[pc->a] = Value::boolean(base[pc->b] == base[pc->c]);
          ++pc;
          break;
        }
        HEDDLE_SLOW2(base[pc->b], base[pc->c])
      case Op::kVectorRef: {
        const Value vector = base[pc->b];
        const Value index = base[pc->c];
        if (is_a(vector, Type::kVector) && index.is_fixnum() &&
            static_cast<u64>(index.to_fixnum()) < vector.to_object()->length) [[likely]] {
          base[pc->a] = as<Vector>(vector)->items[index.to_fixnum()];
          ++pc;
          break;
        }
        HEDDLE_SLOW2(vector, index)
      }
      case Op::kStringRef: {
        const Value string = base[pc->b];
        const Value index = base[pc->c];
        if (is_string(string) && index.is_fixnum() &&
            static_cast<u64>(index.to_fixnum()) < string.to_object()->length && !as<String>(string)->is_wide())
            [[likely]] {
          base[pc->a] = Value::character(as<Bytes>(as<String>(string)->bytes)->data[index.to_fixnum()]);
          ++pc;
          break;
        }
        HEDDLE_SLOW2(string, index)
      }
      case Op::kNot:
        base[pc->a] = Value::boolean(!base[pc->b].is_true());
        ++pc;
        break;
      case Op::kIsNull:
        base[pc->a] = Value::boolean(base[pc->b].is_nil());
        ++pc;
        break;
      case Op::kIsPair:
        base[pc->a] = Value::boolean(base[pc->b].is_pair());
        ++pc;
        break;
      case Op::kCar:
        if (base[pc->b].is_pair()) [[likely]] {
          base[pc->a] = car(base[pc->b]);
          ++pc;
          break;
        }
        HEDDLE_SLOW1(base[pc->b])
      case Op::kCdr:
        if (base[pc->b].is_pair()) [[likely]] {
          base[pc->a] = cdr(base[pc->b]);
          ++pc;
          break;
        }
        HEDDLE_SLOW1(base[pc->b])
      case Op::kCadr:
        if (base[pc->b].is_pair() && cdr(base[pc->b]).is_pair()) [[likely]] {
          base[pc->a] = car(cdr(base[pc->b]));
          ++pc;
          break;
        }
        HEDDLE_SLOW1(base[pc->b])
      case Op::kCddr:
        if (base[pc->b].is_pair() && cdr(base[pc->b]).is_pair()) [[likely]] {
          base[pc->a] = cdr(cdr(base[pc->b]));
          ++pc;
          break;
        }
        HEDDLE_SLOW1(base[pc->b])
      // Whether a pair may be set, the builtin knows.
      case Op::kSetCar:
      case Op::kSetCdr: {
        const Value operands[2] = {base[pc->a], base[pc->b]};
        HEDDLE_SAVE(pc + 1);
        if (slow_[pc->op](*this, operands, 2).is_signal()) [[unlikely]]
          goto raised;
        ++pc;
        break;
      }
      case Op::kVectorSet: {
        const Value vector = base[pc->a];
        const Value index = base[pc->b];
        if (is_a(vector, Type::kVector) && index.is_fixnum() &&
            static_cast<u64>(index.to_fixnum()) < vector.to_object()->length && vector.to_object()->aux == 0)
            [[likely]] {
          heap_.write(as<Vector>(vector)->items[index.to_fixnum()], base[pc->c]);
          ++pc;
          break;
        }
        const Value operands[3] = {vector, index, base[pc->c]};
        HEDDLE_SAVE(pc + 1);
        if (slow_[pc->op](*this, operands, 3).is_signal()) [[unlikely]]
          goto raised;
        ++pc;
        break;
      }
      case Op::kBuiltin: {
        HEDDLE_SAVE(pc + 1);
        const u64 index = static_cast<Builtin*>(address(pc))->index;
        const Value value = builtins_[index].function(*this, base + pc->a + 2, pc->b);
        if (!value.is_signal()) [[likely]] {
          base[pc->a] = value;
          pc += 2;
          goto worked;
        }
        switch (builtin_gave(value, pc->a, false, pc + 2)) {
          case Next::kGo: HEDDLE_LOAD(); goto called;
          case Next::kRaise: goto raised;
          case Next::kStop: goto stopped;
        }
        break;
      }

      case Op::kCall: {
        const Value callee = base[pc->a + 1];
        if (callee.is_closure()) [[likely]] {
          const Code* code = as<Code>(callee.to_closure()->code);
          Value* window = base + pc->a + 2;
          if (code->arity == pc->b && window + code->frame_size <= end) [[likely]] {
            window[-2] = return_word(pc + 1);
            base = window;
            pc = code->instructions;
            if (left <= 0) [[unlikely]]
              goto preempted;
            break;
          }
        }
        HEDDLE_SAVE(pc + 1);
        switch (call(callee, base + pc->a + 2, pc->b, pc->a, false, pc + 1)) {
          case Next::kGo: HEDDLE_LOAD(); goto called;
          case Next::kRaise: goto raised;
          case Next::kStop: goto stopped;
        }
        break;
      }
      case Op::kCallGlobal: {
        const Value callee = static_cast<Cell*>(address(pc))->value;
        Value* window = base + pc->a + 2;
        window[-1] = callee;
        if (callee.is_closure()) [[likely]] {
          const Code* code = as<Code>(callee.to_closure()->code);
          if (code->arity == pc->b && window + code->frame_size <= end) [[likely]] {
            window[-2] = return_word(pc + 2);
            base = window;
            pc = code->instructions;
            if (left <= 0) [[unlikely]]
              goto preempted;
            break;
          }
        }
        if (callee == kUndefined) [[unlikely]]
          goto unbound;
        HEDDLE_SAVE(pc + 1);
        switch (call(callee, window, pc->b, pc->a, false, pc + 2)) {
          case Next::kGo: HEDDLE_LOAD(); goto called;
          case Next::kRaise: goto raised;
          case Next::kStop: goto stopped;
        }
        break;
      }
      case Op::kCallSelf: {
        const Value callee = base[-1];
        Value* window = base + pc->a + 2;
        window[-1] = callee;
        const Code* code = as<Code>(callee.to_closure()->code);
        if (window + code->frame_size <= end) [[likely]] {
          window[-2] = return_word(pc + 1);
          base = window;
          pc = code->instructions;
          if (left <= 0) [[unlikely]]
            goto preempted;
          break;
        }
        HEDDLE_SAVE(pc + 1);
        switch (call(callee, window, pc->b, pc->a, false, pc + 1)) {
          case Next::kGo: HEDDLE_LOAD(); goto called;
          case Next::kRaise: goto raised;
          case Next::kStop: goto stopped;
        }
        break;
      }
      case Op::kTailCallGlobal: {
        const Value callee = static_cast<Cell*>(address(pc))->value;
        if (callee == kUndefined) [[unlikely]]
          goto unbound;
        base[pc->a + 1] = callee;
        [[fallthrough]];
      }
      case Op::kTailCall: {
        const Value callee = base[pc->a + 1];
        const u32 count = pc->b;
        const Value* arguments = base + pc->a + 2;
        if (callee.is_closure()) [[likely]] {
          const Code* code = as<Code>(callee.to_closure()->code);
          if (code->arity == count && base + code->frame_size <= end) [[likely]] {
            base[-1] = callee;
            for (u32 i = 0; i < count; ++i) base[i] = arguments[i];
            pc = code->instructions;
            if (left <= 0) [[unlikely]]
              goto preempted;
            break;
          }
        }
        HEDDLE_SAVE(pc + 1);
        switch (call(callee, arguments, count, pc->a, true, nullptr)) {
          case Next::kGo: HEDDLE_LOAD(); goto called;
          case Next::kRaise: goto raised;
          case Next::kStop: goto stopped;
        }
        break;
      }
      case Op::kReturn: {
        const Value value = base[pc->a];
        pc = return_address(base[-2]);
        base[-2] = value;
        base -= pc[-1].a + 2;
        break;
      }
      case Op::kUnderflow:
        HEDDLE_SAVE(pc);
        switch (underflow()) {
          case Next::kGo: HEDDLE_LOAD(); break;
          case Next::kRaise: goto raised;
          case Next::kStop: goto stopped;
        }
        break;
      default: __builtin_unreachable();
    }
    continue;

  slow_unary: {
    const Value operand = x;
    HEDDLE_SAVE(pc + 1);
    HEDDLE_RESULT(slow_[pc->op](*this, &operand, 1), 1)
  }
  slow_binary: {
    double left_number;
    double right_number;
    if (are_flonums(x, y, left_number, right_number)) {
      double number = 0;
      bool is_number = true;
      switch (static_cast<Op>(pc->op)) {
        case Op::kAdd:
        case Op::kAddSmall: number = left_number + right_number; break;
        case Op::kSubtract:
        case Op::kSubtractSmall: number = left_number - right_number; break;
        case Op::kMultiply: number = left_number * right_number; break;
        default: is_number = false;
      }
      if (is_number) {
        base[pc->a] = heap_.fast_flonum(number);
        ++pc;
        goto safe_point;
      }
    }
    const Value operands[2] = {x, y};
    HEDDLE_SAVE(pc + 1);
    HEDDLE_RESULT(slow_[pc->op](*this, operands, 2), 1)
  }
  slow_compare: {
    const Value operands[2] = {x, y};
    HEDDLE_SAVE(pc + 1);
    const Value result = slow_[pc->op](*this, operands, 2);
    if (result.is_signal()) [[unlikely]]
      goto raised;
    // The operations stand in pairs, the one that jumps where the test is false first.
    const bool sense = ((pc->op - static_cast<u16>(Op::kUnlessLess)) & 1) != 0;
    pc += result.is_true() == sense ? near(pc) : 1;
    continue;
  }
  called:
    // A builtin in tail position has returned to the fiber's bottom, where there is no frame to stop in.
    if (static_cast<Op>(pc->op) == Op::kUnderflow) [[unlikely]]
      continue;
    if (left <= 0) [[unlikely]]
      goto preempted;
  worked:
    left -= static_cast<i64>(charged_);
    charged_ = 0;
  safe_point:
    if (!heap_.wants_collection()) [[likely]]
      continue;
    HEDDLE_SAVE(pc);
    switch (safe_point()) {
      case Next::kGo: continue;
      case Next::kRaise: goto raised;
      case Next::kStop: goto stopped;
    }
    continue;

  unbound: {
    HEDDLE_SAVE(pc + 1);
    auto* cell = static_cast<Cell*>(address(pc));
    error("UnboundVariable", "unbound variable: " + shown(cell->name), {cell->name});
    goto raised;
  }
  undefined:
    HEDDLE_SAVE(pc + 1);
    error("UnboundVariable", "a variable is used before its definition");
  raised:
    switch (raise_now()) {
      case Next::kGo: HEDDLE_LOAD(); continue;
      case Next::kRaise: goto raised;
      case Next::kStop: goto stopped;
    }
  preempted:
    HEDDLE_SAVE(pc);
    turn_ = Turn::kPreempted;
  stopped:
    left -= static_cast<i64>(charged_);
    charged_ = 0;
    last_steps_ = fuel - static_cast<u64>(left);
    return turn_;
  }
}

}  // namespace heddle::lisp
