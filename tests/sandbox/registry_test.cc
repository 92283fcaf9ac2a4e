// The registry, call by call, as the distribution specification says.
#include "sandbox/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sandbox/registry/tokens.h"
#include "sandbox/support/client.h"
#include "support/temp_folder.h"

namespace pawl::sandbox {
namespace {

using test::body_of;
using test::error_code;
using testing::HasSubstr;

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";

class RegistryProtocol : public testing::Test {
 protected:
  void start(RegistryRules rules = {}) {
    auto store = RegistryStore::open(folder_.path() / "registry");
    ASSERT_TRUE(store.ok());
    registry_.emplace(*std::move(store), std::move(rules), loop_.entropy());
    url_ = client_.serve([this](ServerRequest& request) { return registry_->handle(request); });
  }
  HttpResponse send(const std::string& method, const std::string& path,
                    const std::string& body = "", Headers headers = {}) {
    return client_.send(method, url_ + path, headers, body);
  }
  std::string start_upload(const std::string& repository = "a/b") {
    const auto started = send("POST", "/v2/" + repository + "/blobs/uploads/");
    EXPECT_EQ(started.status, 202);
    return started.headers.get_or("Location", "");
  }
  Digest push_blob(const std::string& bytes, const std::string& repository = "a/b") {
    const Digest digest = Digest::of(bytes);
    EXPECT_EQ(send("PUT", start_upload(repository) + "?digest=" + digest.str(), bytes).status, 201);
    return digest;
  }
  json::object descriptor(const std::string& bytes,
                          const std::string& type = "application/octet-stream") {
    return {{"mediaType", type}, {"digest", Digest::of(bytes).str()}, {"size", bytes.size()}};
  }
  std::string manifest(const std::string& config, const std::string& layer) {
    json::array layers;
    layers.push_back(descriptor(layer));
    return json::serialize(json::object{{"schemaVersion", 2},
                                        {"mediaType", kManifestType},
                                        {"config", descriptor(config)},
                                        {"layers", layers}});
  }
  Digest push_image(const std::string& tag, const std::string& repository = "a/b") {
    push_blob("config " + tag, repository);
    push_blob("layer", repository);
    const std::string text = manifest("config " + tag, "layer");
    const auto pushed = send("PUT", "/v2/" + repository + "/manifests/" + tag, text,
                             {{"Content-Type", kManifestType}});
    EXPECT_EQ(pushed.status, 201) << pushed.body;
    return Digest::of(text);
  }

  test::TempFolder folder_;
  Loop loop_;
  std::optional<Registry> registry_;
  test::FaceClient client_{loop_};
  std::string url_;
};

TEST_F(RegistryProtocol, TakesABlobInOnePieceAndGivesItBack) {
  start();
  const Digest digest = push_blob("hello");
  const auto got = send("GET", "/v2/a/b/blobs/" + digest.str());
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.headers.get_or("Docker-Content-Digest", ""), digest.str());
  const auto head = send("HEAD", "/v2/a/b/blobs/" + digest.str());
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.get_or("Content-Length", ""), "5");
  EXPECT_EQ(
      send("POST", "/v2/a/b/blobs/uploads/?digest=" + Digest::of("single").str(), "single").status,
      201);
}

TEST_F(RegistryProtocol, TakesABlobInChunksInOrderOnly) {
  start();
  const std::string upload = start_upload();
  auto part = send("PATCH", upload, "hello ", {{"Content-Range", "0-5"}});
  EXPECT_EQ(part.status, 202);
  EXPECT_EQ(part.headers.get_or("Range", ""), "0-5");
  EXPECT_EQ(send("PATCH", upload, "x", {{"Content-Range", "9-9"}}).status, 416);
  EXPECT_EQ(send("GET", upload).headers.get_or("Range", ""), "0-5");
  EXPECT_EQ(send("PATCH", upload, "wor", {{"Content-Range", "6-8"}}).status, 202);
  EXPECT_EQ(send("PUT", upload + "?digest=" + Digest::of("hello world").str(), "ld").status, 201);
  EXPECT_EQ(send("GET", "/v2/a/b/blobs/" + Digest::of("hello world").str()).body, "hello world");
  EXPECT_EQ(send("GET", upload).status, 404);
}

TEST_F(RegistryProtocol, AnUploadGoesOnAfterARestart) {
  start();
  const std::string upload = start_upload();
  EXPECT_EQ(send("PATCH", upload, "hello ").status, 202);
  start();
  EXPECT_EQ(send("GET", upload).headers.get_or("Range", ""), "0-5");
  EXPECT_EQ(send("PUT", upload + "?digest=" + Digest::of("hello world").str(), "world").status,
            201);
}

TEST_F(RegistryProtocol, RefusesBytesThatAreNotWhatTheirDigestSays) {
  start();
  const auto wrong = send("PUT", start_upload() + "?digest=" + Digest::of("other").str(), "hello");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(error_code(wrong), "DIGEST_INVALID");
  EXPECT_EQ(send("HEAD", "/v2/a/b/blobs/" + Digest::of("other").str()).status, 404);
  EXPECT_EQ(error_code(send("PUT", start_upload() + "?digest=md5:ab", "x")), "DIGEST_INVALID");
}

struct RangeRow {
  const char* range;
  int status;
  const char* content_range;
  const char* body;
};

TEST_F(RegistryProtocol, AnswersRanges) {
  start();
  const std::string path = "/v2/a/b/blobs/" + push_blob("0123456789").str();
  for (const auto& row : {RangeRow{"bytes=3-5", 206, "bytes 3-5/10", "345"},
                          RangeRow{"bytes=7-", 206, "bytes 7-9/10", "789"},
                          RangeRow{"bytes=-2", 206, "bytes 8-9/10", "89"},
                          RangeRow{"bytes=8-100", 206, "bytes 8-9/10", "89"},
                          RangeRow{"bytes=10-", 416, "bytes */10", nullptr},
                          RangeRow{"bytes=5-3", 416, "bytes */10", nullptr},
                          RangeRow{"lines=1-2", 416, "bytes */10", nullptr}}) {
    const auto got = send("GET", path, "", {{"Range", row.range}});
    EXPECT_EQ(got.status, row.status) << row.range;
    EXPECT_EQ(got.headers.get_or("Content-Range", ""), row.content_range) << row.range;
    if (row.body != nullptr) {
      EXPECT_EQ(got.body, row.body) << row.range;
    }
  }
}

TEST_F(RegistryProtocol, MountsABlobOfAnotherRepository) {
  start();
  const Digest digest = push_blob("hello", "from");
  EXPECT_EQ(send("HEAD", "/v2/to/blobs/" + digest.str()).status, 404);
  const auto mounted = send("POST", "/v2/to/blobs/uploads/?mount=" + digest.str() + "&from=from");
  EXPECT_EQ(mounted.status, 201);
  EXPECT_EQ(send("GET", "/v2/to/blobs/" + digest.str()).body, "hello");
  EXPECT_EQ(
      send("POST", "/v2/to/blobs/uploads/?mount=" + Digest::of("no").str() + "&from=from").status,
      202)
      << "what cannot be mounted is uploaded";
}

TEST_F(RegistryProtocol, GivesAManifestByTagAndByDigest) {
  start();
  const Digest digest = push_image("v1");
  for (const std::string& reference : {std::string("v1"), digest.str()}) {
    const auto got = send("GET", "/v2/a/b/manifests/" + reference);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(Digest::of(got.body), digest);
    EXPECT_EQ(got.headers.get_or("Content-Type", ""), kManifestType);
    EXPECT_EQ(got.headers.get_or("Docker-Content-Digest", ""), digest.str());
  }
  EXPECT_EQ(send("HEAD", "/v2/a/b/manifests/v1").headers.get_or("Docker-Content-Digest", ""),
            digest.str());
  EXPECT_EQ(error_code(send("GET", "/v2/a/b/manifests/v2")), "MANIFEST_UNKNOWN");
}

TEST_F(RegistryProtocol, RefusesManifestsWhosePartsAreNotThere) {
  start();
  push_blob("config");
  const auto unknown = send("PUT", "/v2/a/b/manifests/v1", manifest("config", "missing"));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(error_code(unknown), "MANIFEST_BLOB_UNKNOWN");
  EXPECT_EQ(error_code(send("PUT", "/v2/a/b/manifests/v1", "not json")), "MANIFEST_INVALID");
  push_blob("missing");
  const auto other =
      send("PUT", "/v2/a/b/manifests/" + Digest::of("x").str(), manifest("config", "missing"));
  EXPECT_EQ(error_code(other), "DIGEST_INVALID");
}

TEST_F(RegistryProtocol, ListsTagsAndRepositoriesInPages) {
  start();
  for (const char* tag : {"v3", "v1", "v2"}) push_image(tag);
  push_image("v1", "c");
  EXPECT_EQ(json::serialize(body_of(send("GET", "/v2/a/b/tags/list"))),
            R"({"name":"a/b","tags":["v1","v2","v3"]})");
  const auto page = send("GET", "/v2/a/b/tags/list?n=2");
  EXPECT_EQ(json::serialize(body_of(page)), R"({"name":"a/b","tags":["v1","v2"]})");
  EXPECT_EQ(page.headers.get_or("Link", ""), "</v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"");
  EXPECT_EQ(json::serialize(body_of(send("GET", "/v2/a/b/tags/list?n=2&last=v2"))),
            R"({"name":"a/b","tags":["v3"]})");
  EXPECT_EQ(json::serialize(body_of(send("GET", "/v2/_catalog"))),
            R"({"repositories":["a/b","c"]})");
  EXPECT_EQ(error_code(send("GET", "/v2/nobody/tags/list")), "NAME_UNKNOWN");
}

TEST_F(RegistryProtocol, ListsReferrersAlsoByType) {
  start();
  const Digest subject = push_image("v1");
  push_blob("{}");
  push_blob("the bill");
  json::array layers;
  layers.push_back(descriptor("the bill"));
  const std::string sbom = json::serialize(json::object{
      {"schemaVersion", 2},
      {"mediaType", kManifestType},
      {"artifactType", "application/spdx"},
      {"config", descriptor("{}")},
      {"layers", layers},
      {"subject", {{"mediaType", kManifestType}, {"digest", subject.str()}, {"size", 1}}},
      {"annotations", {{"made", "today"}}}});
  const auto pushed = send("PUT", "/v2/a/b/manifests/" + Digest::of(sbom).str(), sbom);
  EXPECT_EQ(pushed.headers.get_or("OCI-Subject", ""), subject.str());
  const std::string path = "/v2/a/b/referrers/" + subject.str();
  const auto all = body_of(send("GET", path));
  ASSERT_EQ(all.at("manifests").as_array().size(), 1u);
  EXPECT_EQ(all.at("manifests").at(0).at("artifactType"), "application/spdx");
  EXPECT_EQ(all.at("manifests").at(0).at("annotations").at("made"), "today");
  const auto filtered = send("GET", path + "?artifactType=application/other");
  EXPECT_EQ(filtered.headers.get_or("OCI-Filters-Applied", ""), "artifactType");
  EXPECT_TRUE(body_of(filtered).at("manifests").as_array().empty());
  EXPECT_EQ(send("DELETE", "/v2/a/b/manifests/" + Digest::of(sbom).str()).status, 202);
  EXPECT_TRUE(body_of(send("GET", path)).at("manifests").as_array().empty());
}

TEST_F(RegistryProtocol, DeletesTagsManifestsAndBlobs) {
  start();
  const Digest digest = push_image("v1");
  push_image("v2");
  EXPECT_EQ(send("DELETE", "/v2/a/b/manifests/v2").status, 202);
  EXPECT_EQ(send("GET", "/v2/a/b/manifests/v2").status, 404);
  EXPECT_EQ(send("DELETE", "/v2/a/b/manifests/" + digest.str()).status, 202);
  EXPECT_EQ(send("GET", "/v2/a/b/manifests/v1").status, 404);
  const std::string blob = "/v2/a/b/blobs/" + Digest::of("layer").str();
  EXPECT_EQ(send("DELETE", blob).status, 202);
  EXPECT_EQ(send("HEAD", blob).status, 404);
}

TEST_F(RegistryProtocol, NamesThatWouldLeaveTheFolderAreRefused) {
  start();
  for (const char* path : {"/v2/../x/tags/list", "/v2/a/%2e%2e/b/tags/list", "/v2/A/tags/list",
                           "/v2/_blobs/tags/list", "/v2/a//b/tags/list"}) {
    const auto refused = send("GET", path);
    EXPECT_TRUE(refused.status == 400 || refused.status == 404) << path << " " << refused.status;
  }
  EXPECT_EQ(error_code(send("PUT", "/v2/a/b/manifests/..%2fx", manifest("c", "l"))), "TAG_INVALID");
}

TEST_F(RegistryProtocol, TheRulesDecideAboutPushes) {
  RegistryRules rules;
  std::vector<std::string> pushes;
  rules.find_repository = [](const std::string& name) -> std::optional<RegistryRefusal> {
    if (name == "a/b") return std::nullopt;
    return RegistryRefusal{404, "NAME_UNKNOWN", "no such repository"};
  };
  rules.before_push = [](const PushedManifest& pushed) -> std::optional<RegistryRefusal> {
    if (pushed.tag == "frozen") return RegistryRefusal{400, "TAG_INVALID", "immutable"};
    return std::nullopt;
  };
  rules.after_push = [&pushes](const PushedManifest& pushed) { pushes.push_back(*pushed.tag); };
  start(rules);
  EXPECT_EQ(error_code(send("POST", "/v2/other/blobs/uploads/")), "NAME_UNKNOWN");
  push_image("v1");
  EXPECT_EQ(error_code(send("PUT", "/v2/a/b/manifests/frozen", manifest("config v1", "layer"))),
            "TAG_INVALID");
  EXPECT_EQ(pushes, std::vector<std::string>{"v1"});
}

// ---- who may do what at the source registry

class SourceRegistry : public RegistryProtocol {
 protected:
  void SetUp() override {
    tokens_.emplace(loop_.clock(), "http://here", "sandbox", Secret("a password"));
    RegistryRules rules;
    rules.authorize = [this](const ServerRequest& request, bool changes) {
      return tokens_->authorize(request, changes);
    };
    rules.challenge = [this](const std::string& repository, bool changes) {
      return tokens_->challenge(repository, changes);
    };
    start(rules);
    token_url_ = client_.serve([this](ServerRequest& request) { return tokens_->issue(request); });
  }
  std::string token(const Headers& headers) {
    const auto answer = client_.send("GET", token_url_ + "/token", headers);
    return answer.status == 200 ? std::string(body_of(answer).at("token").as_string()) : "";
  }
  int push_with(const std::string& authorization) {
    Headers headers;
    if (!authorization.empty()) headers.set("Authorization", authorization);
    return send("POST", "/v2/a/b/blobs/uploads/", "", headers).status;
  }
  const std::string good_ = "Basic " + base64_encode("sandbox:a password");
  const std::string bad_ = "Basic " + base64_encode("sandbox:guessed");
  std::optional<RegistryTokens> tokens_;
  std::string token_url_;
};

TEST_F(SourceRegistry, ChallengesAtTheVersionCheck) {
  const auto answer = send("GET", "/v2/");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.headers.get_or("WWW-Authenticate", ""),
            "Bearer realm=\"http://here/token\",service=\"pawl-sandbox\"");
  const auto push = send("POST", "/v2/a/b/blobs/uploads/");
  EXPECT_THAT(push.headers.get_or("WWW-Authenticate", ""),
              HasSubstr("scope=\"repository:a/b:pull,push\""));
}

TEST_F(SourceRegistry, AnybodyMayPullAndWhoHasThePasswordMayPush) {
  EXPECT_EQ(send("GET", "/v2/a/b/manifests/v1").status, 404) << "asked and not found, not refused";
  EXPECT_EQ(push_with(""), 401);
  EXPECT_EQ(push_with(good_), 202);
  EXPECT_EQ(push_with(bad_), 401);
  EXPECT_EQ(push_with("Bearer " + token({{"Authorization", good_}})), 202);
  EXPECT_EQ(push_with("Bearer " + token({})), 403) << "an anonymous token is for pulling";
  EXPECT_EQ(token({{"Authorization", bad_}}), "");
}

TEST_F(SourceRegistry, TokensCannotBeMadeUp) {
  const std::string pull = token({});
  EXPECT_EQ(push_with("Bearer push" + pull.substr(4)), 401);
  for (const char* made_up : {"", ".", "push.9999999999999.00", "push.x.y"})
    EXPECT_EQ(push_with(std::string("Bearer ") + made_up), 401) << made_up;
}

TEST_F(SourceRegistry, TakesThePasswordAsDockerSendsIt) {
  const auto answer = client_.send("POST", token_url_ + "/token", {},
                                   "grant_type=password&username=sandbox&password=a%20password");
  EXPECT_EQ(push_with("Bearer " + std::string(body_of(answer).at("access_token").as_string())),
            202);
}

}  // namespace
}  // namespace pawl::sandbox
