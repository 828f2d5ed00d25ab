// The body of a native fiber: C++ code that the kernel runs in turns.
#pragma once

#include "heddle/types.h"

namespace heddle {

class Kernel;

class Body {
 public:
  virtual ~Body() = default;
  // Runs until an operation parks the fiber, the fiber yields, or the body ends.
  // `code` and `aux` are what the operation that it waited for gave; at the start kOk and 0.
  // Returns true while the body goes on; when it gives false, `completed` says whether it succeeded.
  virtual bool run(OpCode code, u32 aux, bool& completed) = 0;

  // Memory that run() reads first beyond the object's own, if any: the scheduler may fetch it ahead.
  const void* resumes_at = nullptr;
};

}  // namespace heddle
