// How far this machine's clock is from AWS's: a signature that is more than minutes off is refused,
// so what the answers' Date says is corrected for, as the AWS SDKs do.
#pragma once

#include "base/clock.h"
#include "net/http.h"

namespace pawl::aws {

/// Less is not corrected: AWS takes up to 15 minutes (some services 5), and a Date may be late.
constexpr std::chrono::minutes kNoticedSkew{4};

class ClockSkew {
 public:
  WallTime corrected(WallTime local) const { return local + offset_; }
  /// From the Date of an answer to a request that went out at `sent`. True when the correction is
  /// another one now: what was refused for its time may be signed anew.
  bool learn(const Headers& answer, WallTime sent, WallTime received);

 private:
  std::chrono::milliseconds offset_{0};
};

}  // namespace pawl::aws
