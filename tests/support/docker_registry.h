// A registry that nobody here wrote: Debian's docker-registry, open, with a password, or with
// tokens of a server of ours. Each has its own folder and port, gone with the object.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

extern char** environ;

namespace pawl::test {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A port that refuses connections for as long as this lives: it is taken, and nobody listens.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    PAWL_ASSERT(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    PAWL_ASSERT(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort() { close(fd_); }
  uint16_t number() const { return port_; }

 private:
  int fd_;
  uint16_t port_ = 0;
};

inline uint16_t free_port() {
  return SilentPort().number();
}

inline bool is_listening(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

class DockerRegistry {
 public:
  enum class Access { open, password, token };
  enum class Tls { none, private_ca, expired };
  /// Who may do everything where a login is needed; with tokens "bob" may pull only.
  static constexpr const char* kUser = "alice";
  static constexpr const char* kPassword = "s3cret-word";

  static bool is_installed() { return access(kProgram, X_OK) == 0; }

  explicit DockerRegistry(Access access = Access::open, Tls tls = Tls::none)
      : port_(free_port()), has_tls_(tls != Tls::none) {
    std::string config = fmt::format(
        "version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: error}}\n"
        "storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n"
        "http: {{addr: 127.0.0.1:{}{}}}\n",
        folder_ / "data", port_, has_tls_ ? tls_settings(tls) : "");
    if (access == Access::password) {
      // As `htpasswd -Bbn` writes it.
      const auto file = folder_.write(
          "passwords", "alice:$2y$05$AWE1xsZrPjWmBx0085Vb1.SjOjmdlIQnygcB7c0ogWVqcAOnHiiQi\n");
      config += fmt::format("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file);
    }
    if (access == Access::token) config += token_settings();
    folder_.write("config.yml", config);
    start();
  }
  DockerRegistry(const DockerRegistry&) = delete;
  DockerRegistry& operator=(const DockerRegistry&) = delete;
  ~DockerRegistry() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::string host() const { return fmt::format("127.0.0.1:{}", port_); }
  std::string url() const { return (has_tls_ ? "https://" : "http://") + host(); }
  uint16_t port() const { return port_; }
  /// Docker's folder of certificates: who is given it trusts the registry.
  std::string certificates() const { return folder_ / "certs.d"; }

 private:
  static constexpr const char* kProgram = "/usr/bin/docker-registry";

  std::string token_settings() {
    const std::vector<std::string> argv = {
        "python3", std::string(PAWL_SOURCE_DIR) + "/tests/support/token_server.py",
        folder_.path().string(), kUser, kPassword};
    tokens_.emplace(argv);
    PAWL_ASSERT(!tokens_->ready().empty());
    return fmt::format(
        "auth: {{token: {{realm: \"{}/token\", service: registry.test, issuer: tokens.test, "
        "rootcertbundle: {}}}}}\n",
        string_or(tokens_->ready(), "url"), string_or(tokens_->ready(), "certificate"));
  }

  // An authority of its own; the server's certificate ended long ago when it is to have expired.
  std::string tls_settings(Tls tls) {
    const std::string dates =
        tls == Tls::expired ? "-startdate 20200101000000Z -enddate 20200201000000Z" : "-days 2";
    folder_.write("ca.cnf",
                  "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\n"
                  "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                  "[server]\nsubjectAltName=IP:127.0.0.1,DNS:registry.test\n");
    folder_.write("index", "");
    folder_.write("serial", "01\n");
    const std::string here = folder_.path().string();
    const std::string trusted = certificates() + "/" + host();
    const std::string command = fmt::format(
        "cd {0} && mkdir -p {1} && exec >openssl.log 2>&1 && "
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out {1}/ca.crt -days 2 "
        "-subj /CN=pawl-test-ca && "
        "openssl req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN=127.0.0.1 && "
        "openssl ca -batch -config ca.cnf -extensions server -cert {1}/ca.crt -keyfile ca.key "
        "-in tls.csr -out tls.crt -notext {2}",
        here, trusted, dates);
    PAWL_ASSERT(std::system(command.c_str()) == 0);
    return fmt::format(", tls: {{certificate: {0}/tls.crt, key: {0}/tls.key}}", here);
  }

  void start() {
    const std::string config = folder_ / "config.yml";
    std::vector<std::string> words{kProgram, "serve", config};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // Any REGISTRY_* variable would override the config.
    std::vector<char*> variables;
    for (char** variable = environ; *variable != nullptr; ++variable)
      if (!std::string_view(*variable).starts_with("REGISTRY_")) variables.push_back(*variable);
    variables.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    PAWL_ASSERT(posix_spawn(&process_, argv[0], &files, nullptr, argv.data(), variables.data()) ==
                0);
    posix_spawn_file_actions_destroy(&files);
    for (int i = 0; i < 1'000 && !is_listening(port_); ++i) usleep(10'000);
    PAWL_ASSERT(is_listening(port_));
  }

  TempFolder folder_;
  uint16_t port_;
  bool has_tls_;
  std::optional<ServerProcess> tokens_;
  pid_t process_ = 0;
};

}  // namespace pawl::test
