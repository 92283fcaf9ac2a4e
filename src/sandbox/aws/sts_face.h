// STS's query protocol over the cloud model.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
#pragma once

#include "sandbox/aws/call.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class StsFace {
 public:
  StsFace(cloud::Cloud& cloud, cloud::Sts::VerifyToken verify)
      : cloud_(cloud), verify_(std::move(verify)) {}

  /// From the form in the body, or the query of a GET.
  static void name(AwsCall& call);
  /// The one operation that needs no signature.
  static bool is_open(const AwsCall& call) { return call.operation == "AssumeRoleWithWebIdentity"; }
  ServerResponse answer(const AwsCall& call);

 private:
  cloud::Cloud& cloud_;
  cloud::Sts::VerifyToken verify_;
};

/// The fields of a form ("a=b&c=d%20e"), in order; "+" is a space here.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view body);
/// An answer of the query protocol: <{op}Response><{op}Result>...
ServerResponse query_answer(const AwsCall& call, const std::string& xml_namespace,
                            const std::string& result);

}  // namespace pawl::sandbox
