// SigV4 against an implementation that nobody here wrote: botocore, where Python has it.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "aws/sigv4.h"
#include "base/json.h"

namespace pawl::aws {
namespace {

// The lines that the oracle prints; empty when there is no botocore.
std::vector<std::string> oracle_lines() {
  const std::string script = std::string(PAWL_SOURCE_DIR) + "/tests/aws/botocore_oracle.py";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      popen(("python3 " + script + " 2>/dev/null").c_str(), "r"), pclose);
  std::vector<std::string> lines;
  if (!pipe) return lines;
  std::string text;
  char buffer[4096];
  while (const size_t length = fread(buffer, 1, sizeof(buffer), pipe.get()))
    text.append(buffer, length);
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    if (end == std::string::npos) break;
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
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
