// Mailboxes of actors: what is sent to them, and what becomes of messages that nobody will handle. Partner:
// prelude/actors.scm, which makes actors of them.
//
// Who asks waits at an ivar of its own. A question that is dropped, by a full mailbox or with its actor, is answered
// here: the kernel tells of each token that it drops.
#include "lisp/builtins/arguments.h"
#include "lisp/fibers.h"

namespace heddle::lisp {

namespace {

// Fields of an %ask record.
constexpr u32 kReply = 1;
constexpr u32 kAskFields = 2;

}  // namespace

Value Programs::make_mailbox(u32 limit, SyncOverflow overflow, Value name, Value ask_type) {
  ask_type_ = ask_type;
  return make_object(SyncKind::kMailbox, limit, name, overflow);
}

// Tells those whose questions were dropped.
void Programs::answer_dropped(const char* code, Value mailbox, const char* text) {
  is_collecting_ = false;
  for (const Value value : dropped_) {
    if (!is_a(value, Type::kRecord) || as<Record>(value)->type != ask_type_) continue;
    if (value.to_object()->length != kAskFields) continue;
    const Value reply = as<Record>(value)->fields[kReply];
    if (!is_a(reply, Type::kSync) || kernel_.object_count(as<SyncReference>(reply)->id) != 0) continue;
    put(reply, machine_.heap().cons(kFalse, machine_.make_condition(code, shown(mailbox) + text)));
  }
  dropped_.clear();
}

Value Programs::mailbox_send(Value mailbox, Value value, Time timeout, Value receiver) {
  if (is_interrupted()) return interrupted();
  const auto& reference = *as<SyncReference>(mailbox);
  if (reference.id == 0 || standing(*as<Fiber>(receiver)) != Standing::kLive) return refused(kIsClosed, mailbox);
  u32 token = 0;
  if (keep(value, token) == kRaised) return kRaised;
  is_collecting_ = true;
  const i32 answer = kernel_.sync(current_id(), {SyncAct::kSend, reference.id, token}, true, timeout);
  answer_dropped("MailboxFull", mailbox, " is full, and has dropped the message");
  if (answer > 0) return park(answer, Resume::kAwait, machine_.heap().cons(mailbox, kFalse));
  if (answer == kDone) return kTrue;
  tokens_.take(token);
  return refused(answer, mailbox);
}

Value Programs::mailbox_close(Value mailbox) {
  const SyncId id = as<SyncReference>(mailbox)->id;
  if (id != 0) kernel_.sync_now(current_id(), SyncDo::kClose, id);
  return kUnspecified;
}

// Its receiver is over: what is in it nobody will handle, and who waits to send hears of it.
Value Programs::mailbox_release(Value mailbox) {
  auto& reference = *as<SyncReference>(mailbox);
  if (reference.id == 0) return kUnspecified;
  is_collecting_ = true;
  kernel_.forget_object(reference.id);
  objects_[reference.id] = nullptr;
  reference.id = 0;
  answer_dropped("ActorStopped", mailbox, ": its actor is over");
  return kUnspecified;
}

}  // namespace heddle::lisp
