// The calls that Pawl makes, against a server that checks signatures and that nobody here wrote:
// moto where Python has it. The same tests run against a server that PAWL_TEST_AWS_SERVER starts
// (the sandbox: tests/sandbox/contract_server.cc; for S3 alone s3rver/serve), and against any other
// endpoint:
//
//   PAWL_TEST_AWS_ENDPOINT=http://127.0.0.1:4510 AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...
//
// which must hold the resources that signed_moto.py makes, or name its own in
// PAWL_TEST_AWS_{BUCKET,REPOSITORY,FUNCTION,API,IMAGE,ROLE}.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "aws/api_gateway.h"
#include "aws/cloud_front.h"
#include "aws/cloud_watch.h"
#include "aws/directory_files.h"
#include "aws/ecr.h"
#include "aws/lambda.h"
#include "aws/s3.h"
#include "aws/sts.h"
#include "aws/web_identity.h"
#include "base/hash.h"
#include "core/config_parser.h"
#include "engine/rehearsal.h"
#include "engine/static_sync.h"
#include "net/loop.h"
#include "support/fakes/images.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

struct Place {
  std::string url;
  std::string key;
  std::string secret;
  std::string image;
  std::string role;
  std::string distribution;
  bool is_sandbox = false;        // ours: it has to follow the documentation in all
  bool has_preconditions = true;  // s3rver has none
};

// No value: there is nothing to test against.
const std::optional<Place>& place() {
  static const std::optional<Place> found = []() -> std::optional<Place> {
    Place made;
    made.image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/contract-lambda:v2";
    made.role = "arn:aws:iam::123456789012:role/contract";
    made.url = variable("PAWL_TEST_AWS_ENDPOINT", "");
    if (!made.url.empty()) {
      made.key = variable("AWS_ACCESS_KEY_ID", "");
      made.secret = variable("AWS_SECRET_ACCESS_KEY", "");
      return made;
    }
    const std::string server = variable("PAWL_TEST_AWS_SERVER", "");
    const std::vector<std::string> moto = {
        "python3", std::string(PAWL_SOURCE_DIR) + "/tests/aws/signed_moto.py"};
    static const test::ServerProcess process(server.empty() ? moto : std::vector{server});
    if (process.ready().empty()) return std::nullopt;
    made.url = string_or(process.ready(), "url");
    made.key = string_or(process.ready(), "key");
    made.secret = string_or(process.ready(), "secret");
    made.image = string_or(process.ready(), "image", made.image);
    made.role = string_or(process.ready(), "role", made.role);
    made.distribution = string_or(process.ready(), "distribution");
    made.is_sandbox = process.ready().contains("github");
    made.has_preconditions = string_or(process.ready(), "lacks") != "preconditions";
    return made;
  }();
  return found;
}

class Contract : public testing::Test {
 protected:
  void SetUp() override {
    if (!place()) GTEST_SKIP() << "python3 with moto is not here, nor another server";
    http_ = make_http_client(loop_);
    client_ = make_client(place()->secret);
  }
  std::unique_ptr<Client> make_client(std::string secret) {
    Credentials credentials;
    credentials.access_key_id = place()->key;
    credentials.secret_access_key = Secret(std::move(secret));
    return make_client(std::shared_ptr(static_credentials(std::move(credentials))));
  }
  std::unique_ptr<Client> make_client(std::shared_ptr<CredentialSource> credentials) {
    return std::make_unique<Client>(ports(), options(), std::move(credentials));
  }
  ClientPorts ports() { return ClientPorts{*http_, loop_.clock(), loop_.entropy()}; }
  static AwsOptions options() { return AwsOptions{"us-east-1", {{"", place()->url}}}; }

  template <class T>
  T run(Task<Result<T>> task) {
    auto result = loop_.run(std::move(task));
    if (!result.ok()) {
      ADD_FAILURE() << result.error().message();
      if constexpr (std::is_default_constructible_v<T>) return T{};
    }
    return *std::move(result);
  }
  void run(Task<Result<void>> task) {
    auto result = loop_.run(std::move(task));
    EXPECT_TRUE(result.ok()) << result.error().message();
  }
  template <class T>
  Error fail(Task<Result<T>> task) {
    auto result = loop_.run(std::move(task));
    return result.ok() ? Error(ErrorKind::internal, "it did not fail") : std::move(result).error();
  }

  // Each is a test of its own; they share one server, whose start takes seconds.
  void sts_tells_who_we_are();
  void a_wrong_secret_is_denied();
  void a_role_taken_by_web_identity_may_sign();
  void ecr_finds_its_repository_and_gives_a_login();
  void lambda_is_updated_published_and_its_alias_moved();
  void lambda_keeps_tags();
  void lambda_calls_a_function_and_waits_for_its_answer();
  void lambda_clears_away_a_version_that_no_alias_names();
  void lambda_tells_what_is_set_aside();
  void a_rehearsal_of_a_deployment_only_reads();
  void api_gateway_gives_the_url();
  void cloud_watch_answers();
  void s3_keeps_objects_under_odd_keys();
  void s3_holds_preconditions();
  void cloud_front_forgets_paths();
  void s3_deletes_only_what_was_seen();
  void s3_keeps_encodings();
  void s3_buckets_with_versions_and_locks_take_a_deployment();
  void s3_copies_with_new_headers();
  void s3_takes_large_files_in_parts();
  void s3_lists_more_than_one_page();
  void s3_tells_a_bucket_that_is_not_there();

  // Where it departs from AWS's documentation, a test says so with the page.
  static bool is_moto() {
    return variable("PAWL_TEST_AWS_SERVER", "").empty() &&
           variable("PAWL_TEST_AWS_ENDPOINT", "").empty();
  }

  // Real time, and only where the other side takes some.
  void wait_until_updated(Lambda& lambda) {
    for (int i = 0; i < 100; ++i) {
      const FunctionState state = run(lambda.get(function_, ""));
      if (state.last_update_status != "InProgress" && state.state != "Pending") return;
      run(loop_.clock().sleep_for(std::chrono::milliseconds(100)));
    }
    ADD_FAILURE() << "the function is never updated";
  }

  const std::string bucket_ = variable("PAWL_TEST_AWS_BUCKET", "contract-assets");
  const std::string repository_ = variable("PAWL_TEST_AWS_REPOSITORY", "contract-lambda");
  const std::string function_ = variable("PAWL_TEST_AWS_FUNCTION", "contract");
  const std::string api_ = variable("PAWL_TEST_AWS_API", "contract");
  const std::string image_ = variable("PAWL_TEST_AWS_IMAGE", place() ? place()->image.c_str() : "");
  const std::string role_ = variable("PAWL_TEST_AWS_ROLE", place() ? place()->role.c_str() : "");
  Loop loop_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Client> client_;
};

void Contract::sts_tells_who_we_are() {
  EXPECT_EQ(run(Sts(*client_).caller()).account.size(), 12u);
}

void Contract::a_wrong_secret_is_denied() {
  auto wrong = make_client("another-secret-key");
  EXPECT_EQ(fail(Sts(*wrong).caller()).kind(), ErrorKind::denied);
}

// Of an issuer that nobody asks: {"iss", "sub", "aud": "sts.amazonaws.com", "exp": in 2100}.
constexpr const char* kIdentityToken =
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0Iiwic3ViIjoiY29udHJhY3QiLCJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbS"
    "IsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

void Contract::a_role_taken_by_web_identity_may_sign() {
  test::TempFolder folder;
  auto source = std::shared_ptr(web_identity_credentials(
      ports(), options(), WebIdentity{role_, "contract test", std::chrono::hours(1)},
      token_from_file(folder.write("token", kIdentityToken))));
  const Credentials credentials = run(source->get());
  EXPECT_FALSE(credentials.session_token.empty());
  EXPECT_GT(*credentials.expires - loop_.clock().now(), std::chrono::minutes(50));
  auto as_role = make_client(source);
  EXPECT_NE(run(Sts(*as_role).caller()).arn, "");
  EXPECT_FALSE(run(S3(*as_role).head(bucket_, "not there")).has_value());
}

void Contract::ecr_finds_its_repository_and_gives_a_login() {
  Ecr ecr(*client_);
  EXPECT_NE(run(ecr.find_uri(repository_)).find("/" + repository_), std::string::npos);
  EXPECT_EQ(fail(ecr.find_uri("not-there")).kind(), ErrorKind::not_found);
  EXPECT_EQ(run(ecr.login()).user, "AWS");
  const std::string digest = "sha256:" + sha256_hex("nothing");
  EXPECT_FALSE(run(ecr.has_image(repository_, digest)));
  EXPECT_TRUE(run(ecr.images(repository_, digest)).empty());
}

void Contract::lambda_is_updated_published_and_its_alias_moved() {
  Lambda lambda(*client_);
  EXPECT_EQ(fail(lambda.get("not-there", "")).kind(), ErrorKind::not_found);
  wait_until_updated(lambda);
  const FunctionState before = run(lambda.get(function_, ""));
  EXPECT_EQ(before.name, function_);
  EXPECT_EQ(before.version, "$LATEST");
  EXPECT_EQ(run(lambda.update_code(function_, image_, before.revision_id)).image_uri, image_);
  wait_until_updated(lambda);
  EXPECT_EQ(run(lambda.get(function_, "")).image_uri, image_);
  const FunctionState version = run(lambda.publish_version(function_, "", "", "key-1"));
  EXPECT_NE(version.version, "$LATEST");
  const auto versions = run(lambda.list_versions(function_));
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(versions.back().version, version.version);

  run(lambda.delete_alias(function_, "contract"));
  EXPECT_FALSE(run(lambda.get_alias(function_, "contract")).has_value());
  AliasState alias;
  alias.function = function_;
  alias.name = "contract";
  alias.version = version.version;
  alias.description = "first";
  alias = run(lambda.create_alias(alias));
  EXPECT_EQ(fail(lambda.create_alias(alias)).kind(), ErrorKind::conflict);
  alias.description = "second";
  EXPECT_EQ(run(lambda.update_alias(alias)).description, "second");
  EXPECT_EQ(run(lambda.get_alias(function_, "contract"))->version, version.version);
  EXPECT_EQ(run(lambda.get(function_, "contract")).version, version.version);
  run(lambda.delete_alias(function_, "contract"));
}

void Contract::lambda_keeps_tags() {
  Lambda lambda(*client_);
  const std::string arn = run(lambda.get(function_, "")).arn;
  run(lambda.set_tags(arn, {{"pawl:release", "sha256:abc"}}));
  EXPECT_EQ(run(lambda.tags(arn)).at("pawl:release"), "sha256:abc");
}

void Contract::lambda_calls_a_function_and_waits_for_its_answer() {
  Lambda lambda(*client_);
  wait_until_updated(lambda);
  FunctionCall call;
  call.function = function_;
  call.payload = "{\"op\":\"contract\"}";
  call.timeout = std::chrono::seconds(20);
  const FunctionAnswer answer = run(lambda.call(call));
  // moto gives back the payload; the sandbox's placeholder is no program and says so as a function
  // error, which is an answer all the same.
  EXPECT_FALSE(answer.payload.empty());
  // moto's functions that are not run "always succeed", also those that are not there (API_Invoke:
  // ResourceNotFoundException).
  if (is_moto()) return;
  call.function = "not-there";
  const Error refused = fail(lambda.call(call));
  EXPECT_EQ(refused.kind(), ErrorKind::not_found);
  EXPECT_FALSE(refused.outcome_unknown());
}

void Contract::lambda_clears_away_a_version_that_no_alias_names() {
  Lambda lambda(*client_);
  wait_until_updated(lambda);
  run(lambda.update_code(function_, image_, ""));
  wait_until_updated(lambda);
  const FunctionState version = run(lambda.publish_version(function_, "", "", "to be deleted"));
  AliasState alias;
  alias.function = function_;
  alias.name = "named";
  alias.version = version.version;
  run(lambda.create_alias(alias));
  const auto aliases = run(lambda.list_aliases(function_));
  EXPECT_TRUE(std::any_of(aliases.begin(), aliases.end(), [&](const AliasState& one) {
    return one.name == "named" && one.version == version.version;
  }));
  // AWS refuses to delete what an alias names (API_DeleteFunction); moto deletes it all the same.
  if (!is_moto()) {
    EXPECT_EQ(fail(lambda.delete_version(function_, version.version)).kind(), ErrorKind::conflict);
  }
  run(lambda.delete_alias(function_, "named"));
  run(lambda.delete_version(function_, version.version));
  for (const auto& left : run(lambda.list_versions(function_)))
    EXPECT_NE(left.version, version.version);
  run(lambda.delete_version(function_, version.version));  // gone is gone
  EXPECT_EQ(run(lambda.get(function_, "")).name, function_);
}

void Contract::lambda_tells_what_is_set_aside() {
  Lambda lambda(*client_);
  EXPECT_EQ(run(lambda.reserved(function_)), std::nullopt);
  EXPECT_FALSE(run(lambda.provisioned(function_, "not-there")).has_value());
  if (is_moto()) return;  // it has no provisioned concurrency (API_PutProvisionedConcurrencyConfig)
  wait_until_updated(lambda);
  run(lambda.update_code(function_, image_, ""));
  wait_until_updated(lambda);
  const FunctionState version = run(lambda.publish_version(function_, "", "", "set aside"));
  for (int i = 0; i < 50 && run(lambda.get(function_, version.version)).state == "Pending"; ++i)
    run(loop_.clock().sleep_for(std::chrono::milliseconds(50)));
  EXPECT_EQ(run(lambda.provision(function_, version.version, 1)).requested, 1);
  EXPECT_TRUE(run(lambda.provisioned(function_, version.version)).has_value());
  run(lambda.unprovision(function_, version.version));
  EXPECT_FALSE(run(lambda.provisioned(function_, version.version)).has_value());
  run(lambda.unprovision(function_, version.version));
}

// Lets everything through, and remembers what was no read.
class Gatekeeper : public HttpClient {
 public:
  explicit Gatekeeper(HttpClient& real) : real_(real) {}
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    const std::string target = request.headers.get_or("X-Amz-Target", "");
    const size_t dot = target.find('.');
    const std::string action = dot == std::string::npos ? "" : target.substr(dot + 1);
    const bool is_read = request.method == "GET" || request.method == "HEAD" ||
                         action.rfind("Describe", 0) == 0 || action.rfind("Get", 0) == 0 ||
                         action.rfind("BatchGet", 0) == 0 || action.rfind("List", 0) == 0 ||
                         request.body.find("Action=GetCallerIdentity") != std::string::npos;
    ++requests;
    if (!is_read) changes.push_back(request.method + " " + request.url);
    co_return co_await real_.send(std::move(request));
  }
  std::vector<std::string> changes;
  int requests = 0;

 private:
  HttpClient& real_;
};

constexpr const char* kRehearsed = R"(
app: contract
image: {source: ghcr.io/example/contract}
function: {name: contract, alias: rehearsed, repository: contract-lambda, keep_versions: 2}
url: http://127.0.0.1:9
static: {dir: site, bucket: contract-assets, prefix: rehearsed/}
hooks: [{name: migrate, when: before_traffic, invoke: {payload: {op: migrate}}}]
environments: {dev: {}}
)";

void Contract::a_rehearsal_of_a_deployment_only_reads() {
  Lambda direct(*client_);
  wait_until_updated(direct);
  run(direct.update_code(function_, image_, ""));
  wait_until_updated(direct);
  AliasState alias;
  alias.function = function_;
  alias.name = "rehearsed";
  alias.version = run(direct.publish_version(function_, "", "", "rehearsed")).version;
  alias.description = "as it was";
  run(direct.create_alias(alias));

  test::TempFolder folder;
  folder.write("site/new.html", "a page");
  Gatekeeper gate(*http_);
  Credentials keys;
  keys.access_key_id = place()->key;
  keys.secret_access_key = Secret(std::string(place()->secret));
  Client client(ClientPorts{gate, loop_.clock(), loop_.entropy()}, options(),
                std::shared_ptr(static_credentials(std::move(keys))));
  Lambda lambda(client);
  Ecr ecr(client);
  S3 objects(client);
  fakes::FakeImages images;
  const std::string digest = "sha256:" + sha256_hex("a new image");
  images.add("ghcr.io/example/contract:2.0.0", digest);
  DirectoryOptions directory;
  directory.base = folder.path().string();
  const auto files = make_directory_files(directory);
  StepPorts steps;
  steps.clock = &loop_.clock();
  steps.functions = &lambda;
  steps.function_calls = &lambda;
  steps.concurrency = &lambda;
  steps.function_versions = &lambda;
  steps.repositories = &ecr;
  steps.images = &images;
  steps.objects = &objects;
  steps.static_files = files.get();
  const auto library = make_step_library(steps);
  auto config = parse_config(kRehearsed, "pawl.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message();
  Decision decision;
  decision.verdict = Decision::Verdict::deploy;
  decision.release = {"dev", "2.0.0", "2.0.0", "v2.0.0", std::string(40, 'a')};
  PlanFacts facts;
  facts.source_digest = digest;
  facts.repository_uri = run(ecr.find_uri(repository_));
  const Plan plan = make_deploy_plan(*config, config->environments[0], decision, facts);
  RehearsalOptions rehearsal;
  rehearsal.app = "contract";
  const auto found = loop_.run(rehearse(steps, *library, plan, rehearsal));

  EXPECT_EQ(gate.changes, std::vector<std::string>{});
  EXPECT_GT(gate.requests, 5);
  std::map<std::string, std::string> said;
  for (const auto& one : found) {
    EXPECT_EQ(one.error, "") << one.step;
    for (const auto& line : one.lines) said[one.step] += line + "\n";
  }
  EXPECT_NE(said["capture_live"].find("points to version " + alias.version), std::string::npos);
  EXPECT_NE(said["copy_image"].find("is not there yet"), std::string::npos);
  EXPECT_NE(said["move_alias"].find("version " + alias.version + " -> version "),
            std::string::npos);
  EXPECT_NE(said["upload_static"].find("1 of 1 files"), std::string::npos);
  EXPECT_NE(said["hook_migrate"].find("migrate"), std::string::npos);
  EXPECT_EQ(run(direct.get_alias(function_, "rehearsed"))->description, "as it was");
  EXPECT_TRUE(run(S3(*client_).list(bucket_, "rehearsed/", kEveryObject)).empty());
  run(direct.delete_alias(function_, "rehearsed"));
}

void Contract::api_gateway_gives_the_url() {
  ApiGateway gateway(*client_);
  EXPECT_EQ(run(gateway.find_url(api_)).substr(0, 4), "http");
  EXPECT_EQ(fail(gateway.find_url("not-there")).kind(), ErrorKind::not_found);
}

void Contract::cloud_watch_answers() {
  CloudWatch watch(*client_);
  EXPECT_TRUE(run(watch.alarms({"not-there"})).empty());
  MetricQuery query;
  query.metric_namespace = "AWS/Lambda";
  query.name = "Errors";
  query.dimensions = {{"FunctionName", function_}};
  const WallTime now = loop_.clock().now();
  EXPECT_TRUE(run(watch.metric(query, now + -std::chrono::hours(1), now)).empty());
}

// moto makes a second invalidation of the same reference; CloudFront gives the first again:
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html
void Contract::cloud_front_forgets_paths() {
  if (place()->distribution.empty()) return;  // an endpoint of which we know none
  CloudFront cdn(*client_);
  const std::vector<std::string> paths = {"/a%20b.html", "/docs/*", "/q&a.html"};
  const std::string id = run(cdn.invalidate(place()->distribution, paths, "contract-1"));
  EXPECT_FALSE(id.empty());
  (void)run(cdn.is_done(place()->distribution, id));
  const std::string again = run(cdn.invalidate(place()->distribution, paths, "contract-1"));
  if (place()->is_sandbox) {
    EXPECT_EQ(again, id);
  }
  const Error unknown = fail(cdn.invalidate("E000000000000X", paths, "contract-2"));
  EXPECT_EQ(unknown.kind(), ErrorKind::not_found);
  EXPECT_NE(unknown.hint().find("static.cloudfront.distribution"), std::string::npos);
}

PutRequest object(std::string bucket, std::string key, std::string body) {
  PutRequest request;
  request.bucket = std::move(bucket);
  request.key = std::move(key);
  request.body = std::move(body);
  request.content_type = "text/plain; charset=utf-8";
  request.cache_control = "no-cache";
  return request;
}

void Contract::s3_keeps_objects_under_odd_keys() {
  S3 store(*client_);
  for (const std::string key :
       {"odd/plain", "odd/a b", "odd/a+b", "odd/a%20b", "odd/\xC3\xBC/\xE6\x97\xA5.txt",
        "odd/q?x=1&y=2", "odd/#hash", "odd/quote'\"<&>", "odd/semi;colon:at@", "odd/(star)*!"}) {
    run(store.put(object(bucket_, key, "body of " + key)));
    const auto there = run(store.get(bucket_, key));
    ASSERT_TRUE(there.has_value()) << key;
    EXPECT_EQ(there->body, "body of " + key);
    const auto head = run(store.head(bucket_, key));
    ASSERT_TRUE(head.has_value()) << key;
    EXPECT_EQ(head->sha256, sha256_hex("body of " + key));
    EXPECT_EQ(head->cache_control, "no-cache");
    EXPECT_EQ(head->content_type, "text/plain; charset=utf-8");
  }
  std::set<std::string> listed;
  for (const auto& each : run(store.list(bucket_, "odd/", kEveryObject))) listed.insert(each.key);
  EXPECT_EQ(listed.size(), 10u);
  EXPECT_EQ(listed.count("odd/quote'\"<&>"), 1u);
  EXPECT_EQ(listed.count("odd/a+b"), 1u);
  for (const auto& key : listed) run(store.remove(bucket_, key, ""));
  run(store.remove(bucket_, "odd/plain", ""));  // again
  EXPECT_TRUE(run(store.list(bucket_, "odd/", kEveryObject)).empty());
}

void Contract::s3_holds_preconditions() {
  S3 store(*client_);
  run(store.remove(bucket_, "conditional", ""));
  PutRequest first = object(bucket_, "conditional", "one");
  first.if_none_match = true;
  const ObjectInfo created = run(store.put(first));
  EXPECT_EQ(fail(store.put(first)).kind(), ErrorKind::conflict);
  PutRequest second = object(bucket_, "conditional", "two");
  second.if_match = created.etag;
  run(store.put(second));
  EXPECT_EQ(fail(store.put(second)).kind(), ErrorKind::conflict);
  EXPECT_EQ(run(store.get(bucket_, "conditional"))->body, "two");
}

void Contract::s3_deletes_only_what_was_seen() {
  S3 store(*client_);
  const ObjectInfo seen = run(store.put(object(bucket_, "deleted", "one")));
  const ObjectInfo now = run(store.put(object(bucket_, "deleted", "two")));
  EXPECT_EQ(fail(store.remove(bucket_, "deleted", seen.etag)).kind(), ErrorKind::conflict);
  EXPECT_EQ(run(store.get(bucket_, "deleted"))->body, "two");
  run(store.remove(bucket_, "deleted", now.etag));
  EXPECT_FALSE(run(store.head(bucket_, "deleted")).has_value());
  run(store.remove(bucket_, "deleted", now.etag));  // its answer may have been lost
}

void Contract::s3_copies_with_new_headers() {
  S3 store(*client_);
  run(store.put(object(bucket_, "from here", "copied")));
  CopyRequest copy;
  copy.from = "from here";
  copy.from_etag = run(store.head(bucket_, "from here"))->etag;
  copy.to.bucket = bucket_;
  copy.to.key = "to/there+";
  copy.to.content_type = "text/html";
  copy.to.cache_control = "max-age=5";
  copy.to.sha256 = sha256_hex("copied");
  run(store.copy(copy));
  const auto there = run(store.get(bucket_, "to/there+"));
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->body, "copied");
  EXPECT_EQ(there->info.content_type, "text/html");
  EXPECT_EQ(there->info.cache_control, "max-age=5");
  EXPECT_EQ(there->info.sha256, sha256_hex("copied"));
  // moto does not look at the source's precondition, as
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html has it.
  if (!place()->is_sandbox) return;
  copy.from_etag = std::string(32, '0');
  EXPECT_EQ(fail(store.copy(copy)).kind(), ErrorKind::conflict);
}

void Contract::s3_keeps_encodings() {
  S3 store(*client_);
  PutRequest request = object(bucket_, "app.js.gz", "pressed");
  request.content_encoding = "gzip";
  run(store.put(request));
  EXPECT_EQ(run(store.head(bucket_, "app.js.gz"))->content_encoding, "gzip");
  const auto there = run(store.get(bucket_, "app.js.gz"));
  EXPECT_EQ(there->body, "pressed");  // as it is stored, not undone on the way
  EXPECT_EQ(there->info.content_encoding, "gzip");
}

// A deployment of two releases and the rollback of the second, in a bucket that keeps versions and
// locks them (moto's own; the sandbox has no versions).
void Contract::s3_buckets_with_versions_and_locks_take_a_deployment() {
  S3 store(*client_);
  const std::string locked = variable("PAWL_TEST_AWS_LOCKED_BUCKET", "contract-locked");
  if (!loop_.run(store.check_bucket(locked)).ok()) return;
  test::TempFolder folder;
  DirectoryOptions directory;
  directory.base = folder.path().string();
  directory.cache_folder = folder / "cache";
  const auto files = make_directory_files(directory);
  const StaticTarget target{locked, "site/"};
  const auto deploy = [&](const std::string& name) {
    const StaticManifest manifest = run(files->scan("site", {{"*.aa11.*"}, {}, {}}));
    run(upload_new_files(store, *files, target, "site", manifest, {}, {}));
    return run(switch_mutable_files(store, target, manifest, name, {}));
  };
  folder.write("site/index.html", "<one>");
  folder.write("site/large.aa11.bin", std::string(kMultipartBytes + 1, 'x'));
  EXPECT_EQ(deploy("d1").uploaded, 1);
  folder.write("site/index.html", "<two>");
  folder.write("site/new.html", "<new>");
  EXPECT_EQ(deploy("d2").uploaded, 2);
  EXPECT_EQ(run(store.get(locked, "site/index.html"))->body, "<two>");
  const SyncResult restored = run(restore_mutable_files(store, target, "d2", {}));
  EXPECT_EQ(restored.uploaded, 1);
  EXPECT_EQ(restored.removed, 1);
  EXPECT_EQ(run(store.get(locked, "site/index.html"))->body, "<one>");
  EXPECT_FALSE(run(store.head(locked, "site/new.html")).has_value());
}

void Contract::s3_takes_large_files_in_parts() {
  S3 store(*client_);
  test::TempFolder folder;
  std::string content(kMultipartBytes + 4321, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 >> 3);
  folder.write("site/large.bin", content);
  DirectoryOptions directory;
  directory.base = folder.path().string();
  const auto files = make_directory_files(directory);
  const StaticManifest manifest = run(files->scan("site", {}));
  PutRequest request = object(bucket_, "large.bin", "");
  request.body = FileOnDisk{folder / "site/large.bin", content.size()};
  const ObjectInfo put = run(store.put(request));
  // s3rver gives an ETag of another kind for what came in parts.
  if (place()->has_preconditions) {
    EXPECT_EQ(put.etag, manifest.files[0].etag);
  }
  const auto there = run(store.get(bucket_, "large.bin"));
  ASSERT_TRUE(there.has_value());
  EXPECT_TRUE(there->body == content);
  EXPECT_EQ(there->info.sha256, sha256_hex(content));
  EXPECT_EQ(there->info.cache_control, "no-cache");
  run(store.remove(bucket_, "large.bin", ""));
}

void Contract::s3_lists_more_than_one_page() {
  S3 store(*client_);
  test::TempFolder folder;
  for (int i = 0; i < 1030; ++i)
    folder.write("site/many/" + std::to_string(i) + ".txt", std::to_string(i));
  DirectoryOptions directory;
  directory.base = folder.path().string();
  const auto files = make_directory_files(directory);
  const StaticTarget target{bucket_, "pages/"};
  const StaticManifest manifest = run(files->scan("site", {}));
  const SyncPlan plan = run(plan_sync(store, target, manifest, {}));
  run(carry_out_sync(store, *files, target, "site", plan, {}, {}));
  EXPECT_EQ(run(store.list(bucket_, "pages/many/", kEveryObject)).size(), 1030u);
  EXPECT_EQ(run(store.list(bucket_, "pages/many/", 1001)).size(), 1001u);
  const SyncPlan again = run(plan_sync(store, target, manifest, {}));
  EXPECT_EQ(again.unchanged, 1030);
  EXPECT_EQ(again.upload_count(), 0u);
}

void Contract::s3_tells_a_bucket_that_is_not_there() {
  S3 store(*client_);
  run(store.check_bucket(bucket_));
  EXPECT_EQ(fail(store.check_bucket("no-such-bucket-here")).kind(), ErrorKind::not_found);
  EXPECT_EQ(fail(store.get("no-such-bucket-here", "k")).kind(), ErrorKind::not_found);
  EXPECT_EQ(fail(store.list("no-such-bucket-here", "", kEveryObject)).kind(), ErrorKind::not_found);
}

#define PAWL_SECTION(name) \
  do {                     \
    SCOPED_TRACE(#name);   \
    name();                \
  } while (false)

TEST_F(Contract, TheControlPlanesAnswerAsDocumented) {
  PAWL_SECTION(sts_tells_who_we_are);
  PAWL_SECTION(a_wrong_secret_is_denied);
  PAWL_SECTION(a_role_taken_by_web_identity_may_sign);
  PAWL_SECTION(ecr_finds_its_repository_and_gives_a_login);
  PAWL_SECTION(lambda_is_updated_published_and_its_alias_moved);
  PAWL_SECTION(lambda_keeps_tags);
  PAWL_SECTION(lambda_clears_away_a_version_that_no_alias_names);
  PAWL_SECTION(lambda_tells_what_is_set_aside);
  PAWL_SECTION(a_rehearsal_of_a_deployment_only_reads);
  PAWL_SECTION(api_gateway_gives_the_url);
  PAWL_SECTION(cloud_watch_answers);
  PAWL_SECTION(cloud_front_forgets_paths);
  // Last: a call is counted, and the metrics are asked for above.
  PAWL_SECTION(lambda_calls_a_function_and_waits_for_its_answer);
}

TEST_F(Contract, S3KeepsWhatItIsGiven) {
  PAWL_SECTION(s3_keeps_objects_under_odd_keys);
  if (place()->has_preconditions) {
    PAWL_SECTION(s3_holds_preconditions);
    PAWL_SECTION(s3_deletes_only_what_was_seen);
  }
  PAWL_SECTION(s3_copies_with_new_headers);
  PAWL_SECTION(s3_keeps_encodings);
  PAWL_SECTION(s3_takes_large_files_in_parts);
  PAWL_SECTION(s3_buckets_with_versions_and_locks_take_a_deployment);
  PAWL_SECTION(s3_lists_more_than_one_page);
  PAWL_SECTION(s3_tells_a_bucket_that_is_not_there);
}

}  // namespace
}  // namespace pawl::aws
