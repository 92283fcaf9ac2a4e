// SigV4 against an implementation that nobody here wrote: botocore, where Python has it.
#include <gtest/gtest.h>

#include <sstream>

#include "aws/sigv4.h"
#include "base/json.h"
#include "oracle.h"

namespace pawl::aws {
namespace {

// The lines that the oracle prints; empty when there is no botocore.
std::vector<std::string> oracle_lines() {
  std::istringstream text(test::oracle_output("botocore_oracle.py"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

TEST(SigV4, AgreesWithBotocoreOnOddPathsAndQueries) {
  const auto lines = oracle_lines();
  if (lines.empty()) GTEST_SKIP() << "python3 with botocore is not here";
  EXPECT_GT(lines.size(), 50u);
  for (const auto& line : lines) {
    auto parsed = parse_json_object(line, "the oracle's line");
    ASSERT_TRUE(parsed.ok());
    SignableRequest request{string_or(*parsed, "method"),
                            string_or(*parsed, "target"),
                            {{"Host", "host.example.com"}},
                            string_or(*parsed, "body_sha256")};
    for (const auto& [name, value] : parsed->at("headers").as_object())
      request.headers.add(std::string(name), std::string(value.as_string()));
    Credentials credentials;
    credentials.access_key_id = "AKIDEXAMPLE";
    credentials.secret_access_key = Secret("secret/Key+1");
    credentials.session_token = Secret(string_or(*parsed, "token"));
    const SigningScope scope{"eu-central-1", string_or(*parsed, "service")};
    sign(request, credentials, scope, *parse_amz_date(string_or(*parsed, "date")));
    EXPECT_EQ(request.headers.get_or("Authorization", ""), string_or(*parsed, "authorization"))
        << line;
  }
}

}  // namespace
}  // namespace pawl::aws
