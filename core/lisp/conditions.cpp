// Errors: conditions with the place where they happened and a backtrace, and how they read.
//
// A position in a condition is a fixnum (conditions.h) and becomes text when somebody asks. Code without positions, as
// the preludes are, is left out: an error in a procedure of the language stands where the program called it.
#include "lisp/conditions.h"

#include "lisp/machine.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {

namespace {

constexpr u32 kMostFrames = 32;
// Frames that are counted beyond those.
constexpr u32 kMostCounted = 10'000'000;

std::string text_of(Value string) { return is_string(string) ? displayed(string) : std::string(); }

}  // namespace

// --- Positions

void PositionTable::number(u64 value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<u8>(value | 0x80));
  bytes_.push_back(static_cast<u8>(value));
}

void PositionTable::add(u32 index, Position position) {
  if (position.source == last_.source && position.place == last_.place) return;
  const bool is_other = position.source != last_.source;
  number(static_cast<u64>(index - index_) << 1 | (is_other ? 1 : 0));
  if (is_other) number(position.source);
  const i64 lines = static_cast<i64>(position.place >> 12) - static_cast<i64>(last_.place >> 12);
  number(static_cast<u64>(lines) << 1 ^ static_cast<u64>(lines >> 63));
  number(position.place & 0xfff);
  index_ = index;
  last_ = position;
}

Value PositionTable::finish(Heap& heap) const {
  if (bytes_.empty()) return kFalse;
  const Value bytes = heap.bytes(static_cast<u32>(bytes_.size()));
  __builtin_memcpy(as<Bytes>(bytes)->data, bytes_.data(), bytes_.size());
  return bytes;
}

Position PositionTable::find(const Code* code, u32 index) {
  Position found;
  if (!is_a(code->positions, Type::kBytes)) return found;
  const Bytes* bytes = as<Bytes>(code->positions);
  const u8* at = bytes->data;
  const u8* end = at + bytes->length;
  auto number = [&at] {
    u64 value = 0;
    for (u32 shift = 0;; shift += 7) {
      const u8 byte = *at++;
      value |= static_cast<u64>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  Position position;
  u64 from = 0;
  while (at < end) {
    const u64 head = number();
    from += head >> 1;
    if (from > index) break;
    if ((head & 1) != 0) position.source = static_cast<u16>(number());
    const u64 lines = number();
    const i64 line =
        static_cast<i64>(position.place >> 12) + (static_cast<i64>(lines >> 1) ^ -static_cast<i64>(lines & 1));
    position.place = static_cast<u32>(line) << 12 | static_cast<u32>(number());
    found = position;
  }
  return found;
}

// The places of the frames, innermost first, as a list of fixnums; the last one, if negative, counts those left out.
Value Machine::trace() {
  if (current_ == nullptr || base_ == nullptr || pc_ == nullptr) return kNil;
  return trace_from({chunk_, offset(base_), pc_});
}

Value Machine::trace_of(const Fiber& fiber) {
  if (!is_a(fiber.chunk, Type::kChunk)) return kNil;
  return trace_from({as<Chunk>(fiber.chunk), fiber.base,
                     reinterpret_cast<const Instruction*>(static_cast<std::uintptr_t>(fiber.pc))});
}

Value Machine::trace_from(Place place) {
  std::vector<Value> places;
  u64 more = 0;
  for (u32 frames = 0; place.chunk != nullptr && frames < kMostCounted; ++frames) {
    const Code* code = code_of(place.chunk->slots + place.base);
    if (is_a(code->positions, Type::kBytes)) {
      if (places.size() == kMostFrames) {
        // Deep recursion: the rest is not worth the time that counting it takes.
        if (++more == 1000) break;
      } else {
        const i64 index = place.pc - code->instructions - 1;
        const Position position = PositionTable::find(code, index < 0 ? 0 : static_cast<u32>(index));
        if (position.place != 0) places.push_back(packed(position));
      }
    } else if (frames > 4096 && places.empty()) {
      break;
    }
    place = caller_of(place.chunk, place.base);
  }
  Value list = more == 0 ? kNil : heap_.cons(Value::fixnum(-static_cast<i64>(more)), kNil);
  for (std::size_t i = places.size(); i-- > 0;) list = heap_.cons(places[i], list);
  return list;
}

// --- Making them

Value Machine::make_condition(std::string_view code, std::string_view message, Value irritants) {
  const Value places = trace();
  auto* condition = heap_.make<Condition>(Type::kCondition);
  condition->code = heap_.symbol(code);
  condition->message = heap_.string(message);
  condition->irritants = irritants;
  const bool is_known = places.is_pair() && car(places).to_fixnum() >= 0;
  condition->position = is_known ? car(places) : kFalse;
  condition->backtrace = is_known ? cdr(places) : kNil;
  condition->payload = kFalse;
  return Value::object(condition);
}

Value Machine::raise(Value object) {
  if (!is_a(object, Type::kCondition)) room_wanted_ = 0;
  raised_ = object;
  return kRaised;
}

Value Machine::error(std::string_view code, std::string_view message, std::initializer_list<Value> irritants) {
  Value list = kNil;
  for (const Value* at = irritants.end(); at != irritants.begin();) list = heap_.cons(*--at, list);
  return raise(make_condition(code, message, list));
}

Value Machine::error_at(Position position, std::string_view code, std::string_view message,
                        std::initializer_list<Value> irritants) {
  error(code, message, irritants);
  auto* condition = as<Condition>(raised_);
  if (position.place != 0) {
    if (condition->position.is_fixnum()) condition->backtrace = heap_.cons(condition->position, condition->backtrace);
    condition->position = packed(position);
  }
  return kRaised;
}

namespace {

std::string argument_message(std::string_view procedure, u32 argument, std::string_view expected, Value got) {
  std::string message(procedure);
  message += ": argument ";
  message += std::to_string(argument);
  message += " must be ";
  message += expected;
  message += ", got ";
  message += shown(got);
  return message;
}

}  // namespace

Value Machine::type_error(std::string_view procedure, u32 argument, std::string_view expected, Value got) {
  return error("TypeError", argument_message(procedure, argument, expected, got));
}

Value Machine::range_error(std::string_view procedure, u32 argument, std::string_view expected, Value got) {
  return error("RangeError", argument_message(procedure, argument, expected, got));
}

Value Machine::heap_error(std::string_view procedure, u64 bytes) {
  // Where no fiber runs there is no instruction that could be tried again.
  room_wanted_ = procedure.empty() || current_ == nullptr ? 0 : bytes;
  limit_was_met_ = true;
  if (current_ != nullptr) current_->aux |= kFiberIsOver;
  std::string message(procedure);
  if (!message.empty()) message += ": ";
  if (!procedure.empty()) message += std::to_string(bytes) + " bytes do not fit; ";
  message += "the limit of the heap is " + std::to_string(heap_.limit()) + " bytes";
  return error("HeapLimit", message);
}

Value Machine::not_a_procedure(Value got) {
  return error("TypeError", "call: " + shown(got) + " is not a procedure", {got});
}

Value Machine::arity_error(const Code* code, Value procedure, u32 count) {
  std::string message;
  u32 least = 0;
  u32 most = kAnyCount;
  Value name = kFalse;
  if (code != nullptr) {
    name = code->name;
    least = code->required;
    most = code->has_rest != 0 ? kAnyCount : least;
  } else if (is_a(procedure, Type::kBuiltin)) {
    name = as<Builtin>(procedure)->name;
    least = builtins_[as<Builtin>(procedure)->index].least;
    most = builtins_[as<Builtin>(procedure)->index].most;
  } else {
    most = 0;
  }
  message = name.is_object() ? shown(name) : "a procedure";
  if (code != nullptr && code->is_choice != 0) {
    message += ": no clause takes " + std::to_string(count) + (count == 1 ? " argument" : " arguments");
  } else {
    message += " takes ";
    const bool is_open = most == kAnyCount && (code == nullptr || code->has_rest != 0);
    if (is_open) {
      message += "at least " + std::to_string(least);
    } else if (least == most || code != nullptr) {
      message += std::to_string(least);
    } else {
      message += std::to_string(least) + " to " + std::to_string(most);
    }
    message += (is_open || least == most || code != nullptr) && least == 1 ? " argument" : " arguments";
    message += ", got " + std::to_string(count);
  }
  return error("ArityError", message, {procedure});
}

// --- Reading them

std::string Machine::position_of(Value value) const {
  if (!is_a(value, Type::kCondition)) return {};
  const Value position = as<Condition>(value)->position;
  if (is_string(position)) return text_of(position);
  if (!position.is_fixnum()) return {};
  const Position place = unpacked(position);
  return sources_.place(place.source, place.place);
}

std::vector<std::string> Machine::backtrace_of(Value value) const {
  return places_of(is_a(value, Type::kCondition) ? as<Condition>(value)->backtrace : kNil);
}

std::vector<std::string> Machine::places_of(Value list) const {
  std::vector<std::string> lines;
  for (Value at = list; at.is_pair(); at = cdr(at)) {
    const Value position = car(at);
    if (is_string(position)) {
      lines.push_back(text_of(position));
    } else if (position.is_fixnum() && position.to_fixnum() < 0) {
      const i64 more = -position.to_fixnum();
      lines.push_back("... " + std::to_string(more) + (more >= 1000 ? " or more" : " more"));
    } else if (position.is_fixnum()) {
      const Position place = unpacked(position);
      lines.push_back(sources_.place(place.source, place.place));
    }
  }
  return lines;
}

std::string Machine::message_of(Value value) const {
  const auto* condition = as<Condition>(value);
  std::string text = text_of(condition->message);
  if (!is_symbol(condition->code) || displayed(condition->code) != "UserError") return text;
  if (condition->irritants.is_pair() && !text.ends_with(':')) text += ':';
  u32 count = 0;
  for (Value at = condition->irritants; at.is_pair() && count < 16; at = cdr(at), ++count) text += ' ' + shown(car(at));
  return text;
}

std::string Machine::report(Value raised) const {
  if (!is_a(raised, Type::kCondition)) return "raised: " + shown(raised);
  const std::string position = position_of(raised);
  return (position.empty() ? "" : position + ": ") + message_of(raised);
}

}  // namespace heddle::lisp
