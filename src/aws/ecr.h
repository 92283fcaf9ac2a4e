// Amazon ECR's control API: where repositories are, whether an image is there, the registry's
// password. The images themselves go over the registry protocol (oci/).
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"
#include "engine/ports/image_registry.h"

namespace pawl::aws {

struct RegistryLogin {
  std::string user;  // "AWS"
  Secret password;
  WallTime expires;
  std::string endpoint;  // "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"
};

struct EcrImage {
  std::string digest;
  std::vector<std::string> tags;
  std::string media_type;
};

class Ecr : public ImageRepositories {
 public:
  explicit Ecr(Client& client) : client_(client) {}

  Task<Result<std::string>> find_uri(std::string repository_name) override;
  Task<Result<RegistryLogin>> login();
  /// BatchGetImage by digest: true when the manifest is there.
  Task<Result<bool>> has_image(std::string repository_name, std::string digest);
  /// DescribeImages, all pages; with a digest only that one (empty when it is not there).
  Task<Result<std::vector<EcrImage>>> images(std::string repository_name, std::string digest);

 private:
  Client& client_;
};

}  // namespace pawl::aws
