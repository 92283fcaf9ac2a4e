#include "aws/partitions.h"

#include <array>

namespace pawl::aws {
namespace {

struct ByPrefix {
  std::string_view prefix;
  Partition partition;
};

constexpr std::array kPartitions = {
    ByPrefix{"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
    ByPrefix{"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
    ByPrefix{"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov"}},
    ByPrefix{"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"}},
    ByPrefix{"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"}},
    ByPrefix{"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"}},
    ByPrefix{"eusc-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
    ByPrefix{"", {"aws", "amazonaws.com", "api.aws"}},
};

}  // namespace

const Partition& partition_of(std::string_view region) {
  for (const auto& each : kPartitions)
    if (region.starts_with(each.prefix)) return each.partition;
  return kPartitions.back().partition;
}

}  // namespace pawl::aws
