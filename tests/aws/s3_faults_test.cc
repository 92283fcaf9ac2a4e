// A bucket behind a network that breaks: nothing is corrupted, nothing is half there, and what
// cannot be known is said to be unknown.
#include <gtest/gtest.h>

#include <cstdlib>

#include "aws/s3.h"
#include "base/hash.h"
#include "cutting_network.h"
#include "net/loop.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using test::CuttingNetwork;
using Harm = CuttingNetwork::Harm;

const json::object& server() {
  const char* program = std::getenv("PAWL_TEST_SANDBOX");
  static const pawl::test::ServerProcess process({program == nullptr ? "" : program});
  return process.ready();
}

uint16_t port_of(const std::string& url) {
  return static_cast<uint16_t>(std::atoi(url.substr(url.rfind(':') + 1).c_str()));
}

class S3Faults : public testing::Test {
 protected:
  void SetUp() override {
    if (server().empty()) GTEST_SKIP() << "PAWL_TEST_SANDBOX names no contract_server";
    network_ = std::make_unique<CuttingNetwork>(port_of(string_or(server(), "url")));
    http_ = make_http_client(loop_);
    Credentials credentials;
    credentials.access_key_id = string_or(server(), "key");
    credentials.secret_access_key = Secret(string_or(server(), "secret"));
    client_ = std::make_unique<Client>(ClientPorts{*http_, loop_.clock(), loop_.entropy()},
                                       AwsOptions{"us-east-1", {{"", network_->url()}}},
                                       static_credentials(std::move(credentials)));
    store_ = std::make_unique<S3>(*client_);
  }
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    return loop_.run(std::move(task));
  }
  std::string bytes(size_t size) {
    std::string made(size, '\0');
    for (size_t i = 0; i < size; ++i) made[i] = static_cast<char>(i * 31 >> 3);
    return made;
  }
  PutRequest file(const std::string& key, size_t size) {
    PutRequest request;
    request.bucket = "contract-assets";
    request.key = key;
    request.body = FileOnDisk{folder_.write(key, bytes(size)), size};
    return request;
  }
  std::string stored(const std::string& key) {
    auto there = run(store_->get("contract-assets", key));
    return !there.ok() ? there.error().message() : *there ? (*there)->body : "nothing";
  }

  pawl::test::TempFolder folder_;
  Loop loop_;
  std::unique_ptr<CuttingNetwork> network_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<S3> store_;
};

constexpr size_t kSize = 3u << 20;

TEST_F(S3Faults, AResetInTheMiddleOfAPutIsTriedAgain) {
  network_->harm(Harm::reset_request, "PUT /contract-assets/reset.bin", kSize / 2);
  const auto put = run(store_->put(file("reset.bin", kSize)));
  ASSERT_TRUE(put.ok()) << put.error().message();
  EXPECT_EQ(network_->harms(), 1);
  EXPECT_TRUE(stored("reset.bin") == bytes(kSize));
}

TEST_F(S3Faults, OneWithAPreconditionIsNotAndLeavesNothing) {
  network_->harm(Harm::reset_request, "PUT /contract-assets/once.bin", kSize / 2);
  PutRequest request = file("once.bin", kSize);
  request.if_none_match = true;
  const auto put = run(store_->put(request));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().kind(), ErrorKind::unavailable);
  EXPECT_TRUE(put.error().outcome_unknown());
  EXPECT_NE(put.error().message().find("s3://contract-assets/once.bin"), std::string::npos);
  EXPECT_EQ(stored("once.bin"), "nothing");
}

TEST_F(S3Faults, AnAnswerThatBreaksOffIsReadAgain) {
  ASSERT_TRUE(run(store_->put(file("cut.bin", kSize))).ok());
  network_->harm(Harm::reset_answer, "GET /contract-assets/cut.bin", kSize / 2);
  EXPECT_TRUE(stored("cut.bin") == bytes(kSize));
  EXPECT_EQ(network_->harms(), 1);
}

TEST_F(S3Faults, AByteThatIsDamagedOnTheWayIsRefused) {
  network_->harm(Harm::damage_request, "PUT /contract-assets/damaged.bin", kSize / 2);
  const auto put = run(store_->put(file("damaged.bin", kSize)));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().kind(), ErrorKind::corrupt) << put.error().message();
  EXPECT_NE(put.error().hint().find("damages what is sent"), std::string::npos);
  EXPECT_EQ(stored("damaged.bin"), "nothing");
}

TEST_F(S3Faults, APartThatBreaksOffIsSentAgain) {
  const size_t size = kMultipartBytes + 100;
  network_->harm(Harm::reset_request, "PUT /contract-assets/parts.bin?partNumber=2", 1u << 20);
  const auto put = run(store_->put(file("parts.bin", size)));
  ASSERT_TRUE(put.ok()) << put.error().message();
  EXPECT_EQ(network_->harms(), 1);
  EXPECT_TRUE(stored("parts.bin") == bytes(size));
}

TEST_F(S3Faults, ALostAnswerToTheLastRequestOfAnUploadIsAskedFor) {
  const size_t size = kMultipartBytes + 100;
  network_->harm(Harm::lose_answer, "POST /contract-assets/lost.bin?uploadId=");
  const auto put = run(store_->put(file("lost.bin", size)));
  ASSERT_TRUE(put.ok()) << put.error().message();
  EXPECT_EQ(network_->harms(), 1);
  EXPECT_EQ(put->sha256, sha256_hex(bytes(size)));
}

TEST_F(S3Faults, ALostAnswerToADeletionIsNoConflict) {
  const auto put = run(store_->put(file("gone.bin", 10)));
  ASSERT_TRUE(put.ok());
  network_->harm(Harm::lose_answer, "DELETE /contract-assets/gone.bin");
  EXPECT_TRUE(run(store_->remove("contract-assets", "gone.bin", put->etag)).ok());
  EXPECT_EQ(network_->harms(), 1);
  EXPECT_EQ(stored("gone.bin"), "nothing");
}

}  // namespace
}  // namespace pawl::aws
