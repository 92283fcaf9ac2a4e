// The parts of the world that AWS is divided into: each has its own host names and its own ARNs.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
#pragma once

#include <string>
#include <string_view>

namespace pawl::aws {

struct Partition {
  std::string_view name;               // "aws-cn", as in arn:aws-cn:...
  std::string_view dns_suffix;         // "amazonaws.com.cn"
  std::string_view dual_stack_suffix;  // "api.amazonwebservices.com.cn"
};

/// A region that nobody knows yet is one of the commercial partition, as the AWS tools have it.
const Partition& partition_of(std::string_view region);

}  // namespace pawl::aws
