// Programs and fibers of the Lisp as bodies of the kernel's fibers.
#include "heddle/lisp.h"

namespace heddle {

class Lisp::Programs {
 public:
  explicit Programs(Kernel& kernel) : kernel_(kernel) {}

  Kernel& kernel_;
  std::string out_;
};

Lisp::Lisp(Kernel& kernel) : programs_(std::make_unique<Programs>(kernel)) {}
Lisp::~Lisp() = default;

// Until the machine runs, every program is refused.
FiberId Lisp::submit(u32 /*parent*/, u32 /*bits*/, u32 /*shield*/, std::string_view /*program*/) { return 0; }
LispResult Lisp::result(FiberId /*task*/) { return LispResult::kNone; }
bool Lisp::spawned(FiberId /*task*/) { return false; }
u32 Lisp::define(std::string_view /*name*/) { return 0; }
u32 Lisp::arguments(OpId /*op*/) { return 0; }
bool Lisp::reply(OpId /*op*/, bool /*ok*/, std::string_view /*value*/) { return false; }
void Lisp::output(u32 /*program*/) {}
Completeness Lisp::complete(std::string_view /*text*/) { return Completeness::kWrong; }
std::string_view Lisp::out() const { return programs_->out_; }

}  // namespace heddle
