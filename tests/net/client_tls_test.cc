// What the client says of certificates. The server is OpenSSL's own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/rig.h"
#include "support/docker_registry.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using ::testing::HasSubstr;

// `openssl s_server` with a certificate that is trusted, and whose time is over or not.
class TlsServer {
 public:
  static bool is_possible() { return std::system("openssl version >/dev/null 2>&1") == 0; }

  explicit TlsServer(const std::string& dates) {
    folder_.write("ca.cnf",
                  "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\n"
                  "default_md=sha256\npolicy=p\nx509_extensions=server\n[p]\ncommonName=supplied\n"
                  "[server]\nsubjectAltName=IP:127.0.0.1\n");
    folder_.write("index", "");
    folder_.write("serial", "01\n");
    const std::string make = fmt::format(
        "cd {} && exec >openssl.log 2>&1 && openssl req -new -newkey rsa:2048 -nodes -keyout key "
        "-out csr -subj /CN=127.0.0.1 && openssl ca -batch -notext -selfsign -config ca.cnf "
        "-keyfile key -in csr -out crt {}",
        folder_.path().string(), dates);
    PAWL_ASSERT(std::system(make.c_str()) == 0);
    std::vector<std::string> argv = {
        "openssl", "s_server",      "-quiet", "-www",         "-accept", std::to_string(port_),
        "-cert",   folder_ / "crt", "-key",   folder_ / "key"};
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    PAWL_ASSERT(posix_spawnp(&process_, words[0], nullptr, nullptr, words.data(), environ) == 0);
    for (int i = 0; i < 1'000 && !test::is_listening(port_); ++i) usleep(10'000);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::string url() const { return fmt::format("https://127.0.0.1:{}/", port_); }
  std::string certificate() const { return folder_ / "crt"; }

 private:
  test::TempFolder folder_;
  uint16_t port_ = test::free_port();
  pid_t process_ = 0;
};

Result<HttpResponse> ask(const TlsServer& server, bool trusts) {
  Loop loop;
  HttpClientOptions options;
  if (trusts) options.ca_bundle = server.certificate();
  const auto client = make_http_client(loop, options);
  HttpRequest request;
  request.method = "GET";
  request.url = server.url();
  return loop.run(client->send(std::move(request)));
}

TEST(ClientTls, SaysOfACertificateThatItHasRunOutAndWhatToDo) {
  if (!TlsServer::is_possible()) GTEST_SKIP() << "there is no openssl";
  const TlsServer server("-startdate 20200101000000Z -enddate 20200201000000Z");
  const auto answer = ask(server, true);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::failed) << "another try does not help";
  EXPECT_THAT(answer.error().message(), HasSubstr("expired"));
  EXPECT_EQ(answer.error().hint(),
            "the server's certificate has to be renewed, or this machine's clock is wrong");
}

TEST(ClientTls, SaysOfACertificateThatItIsNotTrusted) {
  if (!TlsServer::is_possible()) GTEST_SKIP() << "there is no openssl";
  const TlsServer server("-days 2");
  const auto trusted = ask(server, true);
  ASSERT_TRUE(trusted.ok()) << trusted.error().message();
  EXPECT_EQ(trusted->status, 200);
  const auto answer = ask(server, false);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::failed);
  EXPECT_THAT(answer.error().hint(), HasSubstr("not trusted; SSL_CERT_FILE"));
}

}  // namespace
}  // namespace pawl
