#include "lisp/wire.h"

#include <bit>
#include <cstring>
#include <vector>

#include "lisp/builtins/arguments.h"
#include "lisp/hash_table.h"
#include "lisp/identity_map.h"
#include "lisp/numbers/numbers.h"
#include "lisp/text/strings.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {

namespace {

enum Tag : u8 {
  kTagNull,
  kTagNo,
  kTagYes,
  kTagUndefined,
  kTagInteger,
  kTagReal,
  kTagBig,
  kTagText,
  kTagList,
  kTagTable,
  kTagTask,
  kTagEnd,
  kTagBytes,
  kTagError,
};

constexpr i64 kMaxSafe = (i64{1} << 53) - 1;
constexpr u32 kErrorFields = 6;
// Conditions within the irritants and payloads of a condition: how deep, and how many below the first level, since
// their lists may be shared. What is beyond is written as text.
constexpr u32 kMaxErrors = 4;
constexpr u32 kMostInnerErrors = 100;
// More than an object and its parts take, without the characters of a string.
constexpr u64 kItemRoom = 256;

void append_real(std::string& out, u8 tag, double number) {
  out += static_cast<char>(tag);
  u64 bits = std::bit_cast<u64>(number);
  for (u32 i = 0; i < 8; ++i, bits >>= 8) out += static_cast<char>(bits & 0xff);
}

void append_bytes(std::string& out, std::string_view bytes) {
  append_u32(out, static_cast<u32>(bytes.size()));
  out += bytes;
}

void append_tagged(std::string& out, u8 tag, std::string_view bytes) {
  out += static_cast<char>(tag);
  append_bytes(out, bytes);
}

std::string name_of(Value symbol) { return utf8_of(as<String>(as<Symbol>(symbol)->name)); }

}  // namespace

void append_u32(std::string& out, u32 number) {
  for (u32 i = 0; i < 4; ++i, number >>= 8) out += static_cast<char>(number & 0xff);
}
void append_text(std::string& out, std::string_view text) { append_tagged(out, kTagText, text); }
void append_list(std::string& out, u32 count) {
  out += static_cast<char>(kTagList);
  append_u32(out, count);
}

// --- Into Lisp

bool WireReader::number(u32& out) {
  if (bytes_.size() - at_ < 4) return false;
  out = 0;
  for (u32 i = 0; i < 4; ++i) out |= static_cast<u32>(static_cast<u8>(bytes_[at_ + i])) << (8 * i);
  at_ += 4;
  return true;
}

bool WireReader::real(double& out) {
  if (bytes_.size() - at_ < 8) return false;
  u64 bits = 0;
  for (u32 i = 0; i < 8; ++i) bits |= static_cast<u64>(static_cast<u8>(bytes_[at_ + i])) << (8 * i);
  at_ += 8;
  out = std::bit_cast<double>(bits);
  return true;
}

bool WireReader::bytes(std::string_view& out) {
  u32 length = 0;
  if (!number(length) || bytes_.size() - at_ < length) return false;
  out = bytes_.substr(at_, length);
  at_ += length;
  return true;
}

bool WireReader::list(u32& count) {
  if (at_ >= bytes_.size() || bytes_[at_] != kTagList) return false;
  ++at_;
  return number(count);
}

bool WireReader::text(std::string_view& text) {
  if (at_ >= bytes_.size() || bytes_[at_] != kTagText) return false;
  ++at_;
  return bytes(text);
}

// What holds no other value.
bool WireReader::scalar(u8 tag, Value& out) {
  Heap& heap = machine_.heap();
  double real_number = 0;
  std::string_view text;
  switch (tag) {
    case kTagNull: out = heap.symbol("null"); return true;
    case kTagNo: out = kFalse; return true;
    case kTagYes: out = kTrue; return true;
    case kTagUndefined: out = kUnspecified; return true;
    case kTagEnd: out = kEof; return true;
    case kTagInteger:
      if (!real(real_number)) return false;
      if (!(real_number >= static_cast<double>(-kMaxSafe) && real_number <= static_cast<double>(kMaxSafe)))
        return false;
      out = Value::fixnum(static_cast<i64>(real_number));
      return true;
    case kTagReal:
      if (!real(real_number)) return false;
      out = heap.flonum(real_number);
      return true;
    case kTagBig:
      if (!bytes(text) || text.empty() || text.size() > kMaxBits / 3) return false;
      for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_sign = i == 0 && text[i] == '-' && text.size() > 1;
        if (!is_sign && (text[i] < '0' || text[i] > '9')) return false;
      }
      out = parse_number(machine_, text);
      return out != kRaised && out != kFalse;
    case kTagText:
      // A character of the string may take four bytes, where it takes one here.
      if (!bytes(text) || text.size() >= kMaxStringLength || !heap.has_room(text.size() * 4)) return false;
      out = heap.string(text);
      return true;
    case kTagBytes: {
      if (!bytes(text) || !heap.has_room(text.size())) return false;
      out = heap.bytes(static_cast<u32>(text.size()));
      if (!text.empty()) std::memcpy(as<Bytes>(out)->data, text.data(), text.size());
      return true;
    }
    case kTagTask: {
      u32 fiber = 0;
      u32 seq = 0;
      if (!number(fiber) || !number(seq) || find_task_ == nullptr) return false;
      out = find_task_(context_, fiber, seq);
      return out != kUndefined;
    }
    default: return false;
  }
}

Value WireReader::value() {
  Heap& heap = machine_.heap();
  struct Level {
    u8 tag;
    u32 left;
    Value head;  // lists: the first pair; tables
    Value last;  // lists: the last pair
    Value key;
  };
  std::vector<Level> levels;
  const auto add = [&](Value item) {
    Level& level = levels.back();
    --level.left;
    if (level.tag == kTagTable) return hash_table_put(heap, level.head, level.key, item);
    const Value pair = heap.cons(item, kNil);
    if (level.head.is_nil()) {
      level.head = pair;
    } else {
      level.last.to_pair()->cdr = pair;
    }
    level.last = pair;
    return true;
  };
  for (;;) {
    if (at_ >= bytes_.size() || !heap.has_room(kItemRoom)) return kRaised;
    const u8 tag = static_cast<u8>(bytes_[at_++]);
    Value item;
    if (tag == kTagList || tag == kTagTable || tag == kTagError) {
      u32 count = kErrorFields;
      if (tag != kTagError && !number(count)) return kRaised;
      // Each takes a byte at least: what is announced is not believed otherwise.
      if (count > bytes_.size() - at_ || levels.size() >= kMaxWireDepth) return kRaised;
      // A table grows as it is filled, with a look at the room.
      levels.push_back({tag, count, tag == kTagTable ? make_hash_table(heap, TableKind::kEqual) : kNil, kNil, kNil});
    } else if (!scalar(tag, item)) {
      return kRaised;
    } else if (levels.empty()) {
      return item;
    } else if (!add(item)) {
      return kRaised;
    }
    while (levels.back().left == 0) {
      const Level level = levels.back();
      levels.pop_back();
      item = level.head;
      if (level.tag == kTagError) {
        u32 number_of_error = 0;
        if (!number(number_of_error)) return kRaised;
        Value fields[kErrorFields];
        Value at = item;
        for (Value& field : fields) {
          field = car(at);
          at = cdr(at);
        }
        // A host's error has the place of the call that it came from.
        if (is_string(fields[0])) fields[0] = heap.symbol(fields[0]);
        if (!is_symbol(fields[0])) fields[0] = heap.symbol("HostError");
        if (!is_string(fields[1])) fields[1] = heap.string("");
        item = machine_.make_condition("HostError", "");
        auto* condition = as<Condition>(item);
        condition->code = fields[0];
        condition->message = fields[1];
        condition->irritants = fields[4].is_pair() ? fields[4] : kNil;
        condition->payload = fields[5];
        condition->length = number_of_error;
      }
      if (levels.empty()) return item;
      if (!add(item)) return kRaised;
    }
    Level& level = levels.back();
    if (level.tag != kTagTable) continue;
    std::string_view key;
    if (!bytes(key) || key.size() >= kMaxStringLength || !heap.has_room(key.size() * 4)) return kRaised;
    level.key = heap.string(key, true);
  }
}

// --- Out of Lisp

bool WireWriter::value(std::string& out, Value value, std::string_view root) { return write(out, value, root, 0); }

bool WireWriter::write(std::string& out, Value root_value, std::string_view root, u32 depth) {
  struct Level {
    Value container;
    Value at;   // lists: what is left
    u32 index;  // of the item under way
    u32 count;  // vectors; tables: entries that were passed
    std::string key;
  };
  std::vector<Level> levels;
  IdentityMap within;
  const std::size_t start = out.size();
  const auto refuse = [&](std::string_view problem) {
    problem_ = problem;
    path_ = root;
    constexpr std::size_t kShown = 20;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      if (levels.size() > 2 * kShown && i == kShown) {
        path_ += "...";
        i = levels.size() - kShown;
      }
      if (levels[i].index == 0) continue;
      if (is_a(levels[i].container, Type::kHashTable)) {
        path_ += '.' + levels[i].key;
      } else {
        path_ += '[' + std::to_string(levels[i].index - 1) + ']';
      }
    }
    out.resize(start);
    return false;
  };
  Value item = root_value;
  for (;;) {
    if (out.size() > kMaxWire) return refuse("it takes more than 256 MiB");
    bool opens = false;
    Level level{item, kNil, 0, 0, {}};
    if (item.is_fixnum()) {
      const i64 number = item.to_fixnum();
      if (number >= -kMaxSafe && number <= kMaxSafe) {
        append_real(out, kTagInteger, static_cast<double>(number));
      } else {
        append_tagged(out, kTagBig, std::to_string(number));
      }
    } else if (item == kFalse || item == kTrue) {
      out += static_cast<char>(item == kTrue ? kTagYes : kTagNo);
    } else if (item == kEof) {
      out += static_cast<char>(kTagEnd);
    } else if (item.is_char()) {
      std::string character;
      append_utf8(character, item.to_char());
      append_text(out, character);
    } else if (item.is_nil() || item.is_pair()) {
      ListWalk walk(item);
      while (walk.at_pair()) walk.advance();
      if (walk.is_circular()) return refuse("it is a circular list, and a cycle cannot cross");
      if (!walk.at_end()) return refuse("it is a dotted list, which has no counterpart");
      append_list(out, static_cast<u32>(walk.count()));
      level.at = item;
      opens = true;
    } else if (!item.is_object()) {
      if (item.is_closure()) return refuse("a procedure cannot cross");
      out += static_cast<char>(kTagUndefined);
    } else {
      switch (item.to_object()->type) {
        case Type::kString: append_text(out, utf8_of(as<String>(item))); break;
        case Type::kSymbol: {
          const std::string name = name_of(item);
          if (name == "null") {
            out += static_cast<char>(kTagNull);
          } else {
            append_text(out, name);
          }
          break;
        }
        case Type::kFlonum: append_real(out, kTagReal, to_flonum(item)); break;
        case Type::kBignum: append_tagged(out, kTagBig, number_to_string(item)); break;
        case Type::kBytes:
          append_tagged(out, kTagBytes,
                        {reinterpret_cast<const char*>(as<Bytes>(item)->data), item.to_object()->length});
          break;
        case Type::kVector:
        case Type::kValues:
          append_list(out, item.to_object()->length);
          level.count = item.to_object()->length;
          opens = true;
          break;
        case Type::kHashTable:
          out += static_cast<char>(kTagTable);
          append_u32(out, hash_table_size(item));
          opens = true;
          break;
        case Type::kFiber:
          if ((item.to_object()->aux & kFiberIsTask) == 0) return refuse("a light fiber cannot cross");
          out += static_cast<char>(kTagTask);
          append_u32(out, as<Fiber>(item)->id);
          append_u32(out, static_cast<u32>(as<Fiber>(item)->seq));
          break;
        case Type::kCondition:
          if (depth == 0) inner_errors_ = 0;
          if (depth >= kMaxErrors || (depth > 1 && ++inner_errors_ > kMostInnerErrors)) {
            append_text(out, shown(item));
          } else {
            write_error(out, item, depth + 1);
          }
          break;
        case Type::kRatnum: return refuse("a ratio cannot cross; convert it with inexact");
        case Type::kBuiltin:
        case Type::kHostProcedure:
        case Type::kContinuation:
        case Type::kParameter: return refuse("a procedure cannot cross");
        default: return refuse(shown(item) + " cannot cross");
      }
    }
    if (opens) {
      if (levels.size() >= kMaxWireDepth) return refuse("it is nested too deeply");
      if (!item.is_nil()) {
        u64& is_within = within[item];
        if (is_within != 0) return refuse("it contains itself, and a cycle cannot cross");
        is_within = 1;
      }
      levels.push_back(std::move(level));
    }
    // The next item, of the innermost container that has one.
    for (;;) {
      if (levels.empty()) return true;
      Level& top = levels.back();
      if (top.container.is_object() && is_a(top.container, Type::kHashTable)) {
        Value key;
        if (hash_table_next(top.container, top.count, key, item)) {
          ++top.index;
          if (is_symbol(key)) {
            top.key = name_of(key);
          } else if (is_string(key)) {
            top.key = utf8_of(as<String>(key));
          } else {
            top.key = shown(key);
            return refuse("a key must be a string or a symbol");
          }
          append_bytes(out, top.key);
          break;
        }
      } else if (top.container.is_object()) {
        if (top.index < top.count) {
          item = as<Vector>(top.container)->items[top.index++];
          break;
        }
      } else if (top.at.is_pair()) {
        item = car(top.at);
        top.at = cdr(top.at);
        ++top.index;
        break;
      }
      within.erase(top.container);
      levels.pop_back();
    }
  }
}

void WireWriter::write_or_show(std::string& out, Value value, u32 depth) {
  if (out.size() > kMaxWire) {
    out += static_cast<char>(kTagUndefined);
  } else if (!write(out, value, "", depth)) {
    append_text(out, shown(value));
  }
}

// An object that is no condition is the only irritant, and the payload too.
void WireWriter::write_raised(std::string& out, Value raised, Value places, u32 depth) {
  out += static_cast<char>(kTagError);
  append_text(out, "UserError");
  append_text(out, "raised: " + shown(raised));
  std::vector<std::string> lines = machine_.places_of(places);
  if (lines.empty()) {
    out += static_cast<char>(kTagUndefined);
  } else {
    append_text(out, lines[0]);
    lines.erase(lines.begin());
  }
  append_list(out, static_cast<u32>(lines.size()));
  for (const std::string& place : lines) append_text(out, place);
  append_list(out, 1);
  write_or_show(out, raised, depth);
  write_or_show(out, raised, depth);
  append_u32(out, 0);
}

void WireWriter::write_error(std::string& out, Value raised, u32 depth) {
  if (!is_a(raised, Type::kCondition)) {
    write_raised(out, raised, kNil, depth);
    return;
  }
  out += static_cast<char>(kTagError);
  const auto* condition = as<Condition>(raised);
  const std::string code = is_symbol(condition->code) ? name_of(condition->code) : "UserError";
  append_text(out, code);
  append_text(out, machine_.message_of(raised));
  const std::string position = machine_.position_of(raised);
  if (position.empty()) {
    out += static_cast<char>(kTagUndefined);
  } else {
    append_text(out, position);
  }
  const std::vector<std::string> backtrace = machine_.backtrace_of(raised);
  append_list(out, static_cast<u32>(backtrace.size()));
  for (const std::string& place : backtrace) append_text(out, place);
  u32 count = 0;
  ListWalk walk(condition->irritants);
  while (walk.at_pair()) walk.advance();
  if (walk.at_end()) count = static_cast<u32>(walk.count());
  append_list(out, count);
  Value at = condition->irritants;
  for (u32 i = 0; i < count; ++i, at = cdr(at)) write_or_show(out, car(at), depth);
  if (condition->payload == kFalse) {
    out += static_cast<char>(kTagUndefined);
  } else {
    write_or_show(out, condition->payload, depth);
  }
  append_u32(out, condition->length);
}

void WireWriter::error(std::string& out, Value raised, Value places) {
  inner_errors_ = 0;
  if (!is_a(raised, Type::kCondition)) {
    write_raised(out, raised, places, 1);
    return;
  }
  write_error(out, raised, 1);
}

void WireWriter::error(std::string& out, std::string_view code, std::string_view message, std::string_view irritant) {
  out += static_cast<char>(kTagError);
  append_text(out, code);
  append_text(out, message);
  out += static_cast<char>(kTagUndefined);
  append_list(out, 0);
  append_list(out, 1);
  append_text(out, irritant);
  out += static_cast<char>(kTagUndefined);
  append_u32(out, 0);
}

}  // namespace heddle::lisp
