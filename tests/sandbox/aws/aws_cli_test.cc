// The sandbox against the real aws command line, when there is one: the very commands that a person
// would use to look at a deployment. The server runs in a child process, since the command line is
// waited for.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "base/encoding.h"
#include "sandbox/aws/rig.h"

namespace pawl::sandbox {
namespace {

struct Output {
  int status = -1;
  std::string text;  // stdout and stderr together
  json::object json() const {
    auto parsed = parse_json_object(text, "the output");
    return parsed.ok() ? *parsed : json::object{};
  }
};

Output run_shell(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer;
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe))
    output.text.append(buffer.data(), count);
  const int status = pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

Task<void> for_ever() {
  OneShot<int> never;
  (void)co_await never.wait();
}

class AwsCli : public testing::Test {
 protected:
  void SetUp() override {
    if (run_shell("aws --version").status != 0)
      GTEST_SKIP() << "the aws command line is not installed";
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    server_ = fork();
    ASSERT_GE(server_, 0);
    if (server_ == 0) serve(ends[1]);
    close(ends[1]);
    ASSERT_EQ(read(ends[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
    close(ends[0]);
  }
  void TearDown() override {
    if (server_ <= 0) return;
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }

  [[noreturn]] static void serve(int report) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the test
    cloud::CloudOptions options;
    options.lambda.create_duration = options.lambda.update_duration =
        options.lambda.publish_duration = std::chrono::milliseconds(300);
    AwsRig rig(options);
    rig.deploy();
    (void)rig.cloud.s3.create_bucket("site", rig.clock.now());
    rig.cloud.sts.add_role("deployer", rig.clock.now());
    cloud::HttpApi api;
    api.name = "meals-dev";
    (void)rig.cloud.apis.create(api, rig.cloud.lambda.function_arn("f", "live"), rig.clock.now());
    cloud::Alarm alarm;
    alarm.name = "errors";
    alarm.metric = {"AWS/Lambda", "Errors", {{"FunctionName", "f"}}};
    alarm.comparison = "GreaterThanThreshold";
    (void)rig.cloud.watch.put_alarm(alarm, rig.clock.now());
    const int port = rig.server->port();
    if (write(report, &port, sizeof port) == static_cast<ssize_t>(sizeof port))
      rig.loop.run(for_ever());
    _exit(0);
  }

  Output aws(const std::string& arguments, const std::string& variables = "") {
    return run_shell(fmt::format(
        "env -u AWS_PROFILE -u AWS_SESSION_TOKEN AWS_ENDPOINT_URL=http://127.0.0.1:{} "
        "AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY='{}' AWS_REGION=us-east-1 "
        "AWS_DEFAULT_REGION=us-east-1 AWS_MAX_ATTEMPTS=1 AWS_PAGER= AWS_EC2_METADATA_DISABLED=true "
        "AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null "
        "AWS_DEFAULT_OUTPUT=json {} aws {}",
        port_, kKeyId, kSecret, variables, arguments));
  }
  json::object good(const std::string& arguments) {
    const Output output = aws(arguments);
    EXPECT_EQ(output.status, 0) << "aws " << arguments << "\n" << output.text;
    return output.json();
  }
  void expect_error(const std::string& arguments, const std::string& words) {
    const Output output = aws(arguments);
    EXPECT_NE(output.status, 0) << arguments;
    EXPECT_NE(output.text.find(words), std::string::npos) << arguments << "\n" << output.text;
  }
  std::string write_file(const std::string& name, const std::string& body) {
    const auto path = folder_.path / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << body;
    return path.string();
  }
  std::string read_file(const std::string& name) {
    std::ifstream in(folder_.path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TemporaryFolder folder_;
  int port_ = 0;
  pid_t server_ = -1;
};

TEST_F(AwsCli, ReadsAndMovesAFunction) {
  auto o = good("lambda get-function --function-name f");
  EXPECT_EQ(string_or(o, "Configuration.State"), "Active");
  EXPECT_EQ(string_or(o, "Code.ResolvedImageUri"),
            "127.0.0.1:4513/meals@" + AwsRig::digest_of('a'));
  EXPECT_EQ(
      good("lambda list-versions-by-function --function-name f")["Versions"].as_array().size(), 2u);
  o = good("lambda update-function-code --function-name f --image-uri 127.0.0.1:4513/meals:b");
  EXPECT_EQ(string_or(o, "LastUpdateStatus"), "InProgress");
  good("lambda wait function-updated-v2 --function-name f");
  EXPECT_EQ(string_or(good("lambda publish-version --function-name f --description v2"), "Version"),
            "2");
  good("lambda wait published-version-active --function-name f --qualifier 2");
  const std::string revision =
      string_or(good("lambda get-alias --function-name f --name live"), "RevisionId");
  o = good("lambda update-alias --function-name f --name live --function-version 2 --revision-id " +
           revision + " --routing-config AdditionalVersionWeights={1=0.2}");
  EXPECT_EQ(string_or(o, "FunctionVersion"), "2");
  expect_error(
      "lambda update-alias --function-name f --name live --function-version 1 "
      "--revision-id " +
          revision,
      "PreconditionFailedException");
  EXPECT_EQ(string_or(good("lambda get-function --function-name f --qualifier 1"),
                      "Code.ResolvedImageUri"),
            "127.0.0.1:4513/meals@" + AwsRig::digest_of('a'));
  EXPECT_EQ(string_or(good("lambda get-function --function-name f --qualifier live"),
                      "Configuration.Version"),
            "2");
  expect_error("lambda get-function --function-name none",
               "(ResourceNotFoundException) when calling the GetFunction operation: Function not "
               "found: arn:aws:lambda:us-east-1:000000000000:function:none");
}

TEST_F(AwsCli, InvokesAndSetsConcurrency) {
  const std::string out = (folder_.path / "out").string();
  // Version 2 of the command line takes a payload as base64 unless it is told otherwise.
  const bool second = run_shell("aws --version").text.find("aws-cli/2") != std::string::npos;
  good(std::string("lambda invoke --function-name f:live --payload '{\"a\":1}' ") +
       (second ? "--cli-binary-format raw-in-base64-out " : "") + out);
  EXPECT_EQ(read_file("out"), R"({"a":1})");
  good("lambda put-function-concurrency --function-name f --reserved-concurrent-executions 5");
  good(
      "lambda put-provisioned-concurrency-config --function-name f --qualifier live "
      "--provisioned-concurrent-executions 1");
  EXPECT_EQ(int_or(good("lambda get-provisioned-concurrency-config --function-name f "
                        "--qualifier live"),
                   "RequestedProvisionedConcurrentExecutions"),
            1);
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  good("lambda tag-resource --resource " + arn + " --tags pawl=1");
  EXPECT_EQ(string_or(good("lambda list-tags --resource " + arn), "Tags.pawl"), "1");
}

TEST_F(AwsCli, KnowsWhoAsks) {
  EXPECT_EQ(string_or(good("sts get-caller-identity"), "Account"), "000000000000");
  std::string payload = base64_encode(R"({"aud":"sts.amazonaws.com","sub":"repo:a/b"})");
  while (payload.back() == '=') payload.pop_back();
  const auto o = good(
      "sts assume-role-with-web-identity --role-arn arn:aws:iam::000000000000:role/deployer "
      "--role-session-name run-1 --web-identity-token e30." +
      payload + ".c2ln");
  const std::string as_role = fmt::format(
      "AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_SESSION_TOKEN={}",
      string_or(o, "Credentials.AccessKeyId"), string_or(o, "Credentials.SecretAccessKey"),
      string_or(o, "Credentials.SessionToken"));
  const Output who = aws("sts get-caller-identity", as_role);
  EXPECT_EQ(string_or(who.json(), "Arn"), "arn:aws:sts::000000000000:assumed-role/deployer/run-1")
      << who.text;
  EXPECT_NE(aws("sts get-caller-identity", "AWS_SECRET_ACCESS_KEY=wrong")
                .text.find("SignatureDoesNotMatch"),
            std::string::npos);
  EXPECT_NE(aws("lambda list-functions", "AWS_ACCESS_KEY_ID=AKIANOBODY0000000000")
                .text.find("UnrecognizedClientException"),
            std::string::npos);
}

TEST_F(AwsCli, SeesRepositoriesAndImages) {
  const auto o = good("ecr describe-repositories --repository-names meals");
  const json::value& repository = o.at("repositories").as_array().at(0);
  EXPECT_EQ(string_or(repository.as_object(), "repositoryUri"), "127.0.0.1:4513/meals");
  EXPECT_EQ(
      good("ecr describe-images --repository-name meals").at("imageDetails").as_array().size(), 2u);
  const Output password = aws("ecr get-login-password");
  EXPECT_EQ(password.status, 0);
  EXPECT_GT(password.text.size(), 100u);
  expect_error("ecr describe-images --repository-name none", "RepositoryNotFoundException");
  expect_error("ecr describe-images --repository-name meals --image-ids imageTag=none",
               "ImageNotFoundException");
}

TEST_F(AwsCli, SeesApisAndAlarms) {
  const auto apis = good("apigatewayv2 get-apis");
  const json::object api = apis.at("Items").as_array().at(0).as_object();
  EXPECT_EQ(string_or(api, "ApiEndpoint"), "http://127.0.0.1:4520");
  const std::string id = string_or(api, "ApiId");
  EXPECT_EQ(good("apigatewayv2 get-integrations --api-id " + id).at("Items").as_array().size(), 1u);
  EXPECT_EQ(good("apigatewayv2 get-stages --api-id " + id).at("Items").as_array().size(), 1u);
  expect_error("apigatewayv2 get-api --api-id none", "NotFoundException");

  auto alarms = good("cloudwatch describe-alarms");
  EXPECT_EQ(string_or(alarms.at("MetricAlarms").as_array().at(0).as_object(), "StateValue"),
            "INSUFFICIENT_DATA");
  good("cloudwatch set-alarm-state --alarm-name errors --state-value ALARM --state-reason drill");
  alarms = good("cloudwatch describe-alarms --state-value ALARM");
  EXPECT_EQ(alarms.at("MetricAlarms").as_array().size(), 1u);
  good("cloudwatch put-metric-data --namespace App --metric-name Requests --value 5 --unit Count");
  const auto statistics = good(
      "cloudwatch get-metric-statistics --namespace App --metric-name Requests --period 3600 "
      "--statistics Sum Average --start-time $(date -u -d '-2 hours' +%FT%TZ) "
      "--end-time $(date -u -d '+2 hours' +%FT%TZ)");
  EXPECT_EQ(number_or(statistics.at("Datapoints").as_array().at(0).as_object(), "Sum"), 5);
  expect_error("cloudwatch set-alarm-state --alarm-name none --state-value OK --state-reason x",
               "ResourceNotFound");
}

TEST_F(AwsCli, SyncsAFolderWithABucket) {
  const std::string odd = "a b+c~d(e)'f!.txt";
  write_file("up/index.html", "<p>hello");
  write_file("up/css/app.1234abcd.css", "p{}");
  write_file("up/" + odd, "odd");
  write_file("up/\xc3\xbcml.txt", "umlaut");
  const std::string up = (folder_.path / "up").string();
  const std::string down = (folder_.path / "down").string();
  good("s3 sync " + up + " s3://site/static --cache-control max-age=60");
  EXPECT_EQ(aws("s3 sync " + up + " s3://site/static").text, "");  // nothing is left to do
  const Output list = aws("s3 ls s3://site/static/ --recursive");
  EXPECT_NE(list.text.find(odd), std::string::npos) << list.text;
  EXPECT_NE(aws("s3 ls s3://site/static/").text.find("PRE css/"), std::string::npos);
  good("s3 sync s3://site/static " + down);
  EXPECT_EQ(read_file("down/" + odd), "odd");
  EXPECT_EQ(read_file("down/css/app.1234abcd.css"), "p{}");
  const auto head = good("s3api head-object --bucket site --key static/index.html");
  EXPECT_EQ(string_or(head, "ContentType"), "text/html");
  EXPECT_EQ(string_or(head, "CacheControl"), "max-age=60");
  good("s3 cp s3://site/static/index.html s3://site/copy.html");
  good("s3 cp s3://site/copy.html " + (folder_.path / "copy").string());
  EXPECT_EQ(read_file("copy"), "<p>hello");
  good("s3 rm s3://site/static --recursive");
  EXPECT_EQ(aws("s3 ls s3://site/static/ --recursive").text, "");
  good("s3 mb s3://another");
  good("s3 rb s3://another");
}

TEST_F(AwsCli, UploadsInPartsAndStreams) {
  std::string body;
  for (int i = 0; i < (20 << 20) / 16; ++i) body += fmt::format("{:015}\n", i);
  const std::string big = write_file("big", body);
  good("s3 cp " + big + " s3://site/big");
  good("s3 cp s3://site/big " + (folder_.path / "back").string());
  EXPECT_EQ(read_file("back"), body);
  const auto head = good("s3api head-object --bucket site --key big");
  EXPECT_NE(string_or(head, "ETag").find("-3\""), std::string::npos) << json::serialize(head);
  good("s3api get-object --bucket site --key big --range bytes=16-31 " +
       (folder_.path / "part").string());
  EXPECT_EQ(read_file("part"), "000000000000001\n");
}

TEST_F(AwsCli, UploadsInPartsByHand) {
  const std::string first = write_file("first", std::string(5 << 20, 'x'));
  const std::string second = write_file("second", "tail");
  const std::string id = string_or(
      good("s3api create-multipart-upload --bucket site --key parts --content-type text/x"),
      "UploadId");
  auto part = [&](int number, const std::string& path) {
    return string_or(good(fmt::format("s3api upload-part --bucket site --key parts --upload-id {} "
                                      "--part-number {} --body {}",
                                      id, number, path)),
                     "ETag");
  };
  const std::string one = part(1, first);
  const std::string two = part(2, second);
  EXPECT_EQ(good("s3api list-parts --bucket site --key parts --upload-id " + id)
                .at("Parts")
                .as_array()
                .size(),
            2u);
  EXPECT_EQ(good("s3api list-multipart-uploads --bucket site").at("Uploads").as_array().size(), 1u);
  const std::string parts = write_file(
      "parts.json", json::serialize(json::object{
                        {"Parts", json::array{json::object{{"PartNumber", 1}, {"ETag", one}},
                                              json::object{{"PartNumber", 2}, {"ETag", two}}}}}));
  good("s3api complete-multipart-upload --bucket site --key parts --upload-id " + id +
       " --multipart-upload file://" + parts);
  const auto head = good("s3api head-object --bucket site --key parts");
  EXPECT_EQ(int_or(head, "ContentLength"), (5 << 20) + 4);
  EXPECT_EQ(string_or(head, "ContentType"), "text/x");
  const std::string again =
      string_or(good("s3api create-multipart-upload --bucket site --key parts"), "UploadId");
  good("s3api abort-multipart-upload --bucket site --key parts --upload-id " + again);
}

TEST_F(AwsCli, WritesUnderConditions) {
  const std::string one = write_file("one", "1");
  const std::string two = write_file("two", "2");
  const std::string etag = string_or(
      good("s3api put-object --bucket site --key lock --if-none-match '*' --body " + one), "ETag");
  expect_error("s3api put-object --bucket site --key lock --if-none-match '*' --body " + two,
               "PreconditionFailed");
  if (aws("s3api put-object help").text.find("--if-match") != std::string::npos) {
    good("s3api put-object --bucket site --key lock --if-match '" + etag + "' --body " + two);
    expect_error(
        "s3api put-object --bucket site --key lock --if-match '" + etag + "' --body " + one,
        "PreconditionFailed");
  }
  for (const char* algorithm : {"CRC32", "SHA1", "SHA256"})
    good(fmt::format("s3api put-object --bucket site --key sums --checksum-algorithm {} --body {}",
                     algorithm, one));
  EXPECT_EQ(string_or(good("s3api head-object --bucket site --key sums --checksum-mode ENABLED"),
                      "ChecksumSHA256"),
            "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s=");
  expect_error("s3api get-object --bucket site --key none " + (folder_.path / "x").string(),
               "NoSuchKey");
  expect_error("s3api head-bucket --bucket none", "404");
  good("s3api delete-objects --bucket site --delete 'Objects=[{Key=lock},{Key=sums}]'");
  EXPECT_EQ(aws("s3 ls s3://site").text, "");
}

}  // namespace
}  // namespace pawl::sandbox
