// Amazon CloudFront as the engine's content delivery network.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
#pragma once

#include <string>
#include <vector>

#include "aws/client.h"
#include "engine/ports/cdn.h"

namespace pawl::aws {

class CloudFront : public Cdn {
 public:
  explicit CloudFront(Client& client) : client_(client) {}

  Task<Result<std::string>> invalidate(std::string distribution, std::vector<std::string> paths,
                                       std::string reference) override;
  Task<Result<bool>> is_done(std::string distribution, std::string id) override;

 private:
  Client& client_;
};

}  // namespace pawl::aws
