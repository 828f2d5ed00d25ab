// Tests that run with host bodies and with native ones: what a fiber does must not depend on who runs its code.
#pragma once

#include <string>
#include <utility>

#include "support/fake_host.h"

namespace heddle::testing {

class BothBodies : public ::testing::TestWithParam<BodyKind> {
 protected:
  FiberId submit(FakeHost& host, JobFunction function) { return submit(host, {}, std::move(function)); }
  FiberId submit(FakeHost& host, const SubmitRequest& request, JobFunction function) {
    return host.submit(GetParam(), request, std::move(function));
  }
};

inline std::string body_name(const ::testing::TestParamInfo<BodyKind>& info) {
  return info.param == BodyKind::kNative ? "native" : "host";
}

inline const auto kBothBodies = ::testing::Values(BodyKind::kHost, BodyKind::kNative);

}  // namespace heddle::testing
