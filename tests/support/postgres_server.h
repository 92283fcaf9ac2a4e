// A PostgreSQL server of the test program's own, in a temporary folder, on a socket there: started
// when it is first asked for, stopped at the end. Its tests skip where no server is installed.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace pawl::test {

class PostgresServer {
 public:
  /// The one of this program; nullptr where there is none to start (why_missing() says why).
  static PostgresServer* shared() {
    static PostgresServer server;
    return server.problem_.empty() ? &server : nullptr;
  }
  static std::string& why_missing() {
    static std::string why;
    return why;
  }

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    if (guard_ <= 0) return;
    ::close(life_);
    ::waitpid(guard_, nullptr, 0);
  }

  /// A new empty database; its URL, for the superuser "pawl".
  std::string make_database() {
    const std::string name = fmt::format("test_{}", ++databases_);
    execute("postgres", "CREATE DATABASE " + name);
    return url(name);
  }
  std::string url(const std::string& database, const std::string& user = "pawl") const {
    std::string host;
    for (const char c : folder_) host += c == '/' ? "%2F" : std::string(1, c);
    return fmt::format("postgresql://{}@{}/{}", user, host, database);
  }
  /// What a statement gives, unaligned.
  std::string execute(const std::string& database, const std::string& sql) {
    return run(fmt::format("{}psql -X -q -A -t -v ON_ERROR_STOP=1 -h {} -U pawl -d {} -c \"{}\"",
                           tools_, folder_, database, sql));
  }

  const std::string& socket_folder() const { return folder_; }
  void start() {
    // Its own output is closed: the server lives on, and would hold the pipe that we read.
    run(
        fmt::format("{}pg_ctl -D {}/data -l {}/log -w -s -o \"-k {} -c listen_addresses= "
                    "-c fsync=off -c max_connections=60 -c full_page_writes=off\" start "
                    ">/dev/null 2>&1",
                    tools_, folder_, folder_, folder_));
  }
  /// "fast", or "immediate": as in a crash.
  void stop(const std::string& mode) {
    run(fmt::format("{}pg_ctl -D {}/data -m {} -w -s stop", tools_, folder_, mode));
  }

 private:
  PostgresServer() {
    problem_ = prepare();
    why_missing() = problem_;
  }

  std::string prepare() {
    if (!find_tools()) return "no initdb, pg_ctl and psql are installed";
    if (::getuid() == 0 && ::getpwnam("postgres") == nullptr)
      return "the server refuses to run as root, and there is no user 'postgres'";
    std::string name = (std::filesystem::temp_directory_path() / "pawl-pg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return "no temporary folder can be made";
    folder_ = name;
    start_guard();
    if (::getuid() == 0) {
      const passwd* user = ::getpwnam("postgres");
      if (::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) return "chown failed";
    }
    ::chmod(folder_.c_str(), 0755);
    run(
        fmt::format("{0}initdb -D {1}/data -U pawl -A trust -E UTF8 --locale=C --no-sync "
                    "--no-instructions",
                    tools_, folder_));
    if (status_ != 0) return "initdb failed";
    start();
    if (status_ != 0) return "the server did not start";
    return "";
  }

  // Ends the server when this process does, however that happens.
  void start_guard() {
    int life[2];
    if (::pipe2(life, O_CLOEXEC) != 0) return;
    life_ = life[1];
    guard_ = ::fork();
    if (guard_ != 0) {
      ::close(life[0]);
      return;
    }
    ::close(life[1]);
    char nothing;
    while (::read(life[0], &nothing, 1) > 0) continue;
    if (std::filesystem::exists(folder_ + "/data/postmaster.pid")) stop("immediate");
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    ::_exit(0);
  }

  bool find_tools() {
    if (run("command -v initdb && command -v pg_ctl && command -v psql"); status_ == 0) return true;
    std::error_code ignored;
    std::vector<std::string> versions;
    for (const auto& each : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored))
      if (std::filesystem::exists(each.path() / "bin/initdb")) versions.push_back(each.path());
    std::sort(versions.begin(), versions.end());
    if (versions.empty()) return false;
    tools_ = versions.back() + "/bin/";
    return true;
  }

  // As the user that the server runs as.
  std::string run(const std::string& command) {
    const std::string line = "cd / && " + command;
    std::vector<std::string> words = {"sh", "-c", line};
    if (::getuid() == 0 && !folder_.empty())
      words.insert(words.begin(),
                   {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"});
    return capture(std::move(words));
  }

  std::string capture(std::vector<std::string> words) {
    int out[2];
    if (::pipe(out) != 0) return "";
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(out[1], 1);
      ::close(out[0]);
      ::close(out[1]);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(out[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(out[0], buffer, sizeof(buffer))) > 0;)
      text.append(buffer, static_cast<size_t>(n));
    ::close(out[0]);
    ::waitpid(child, &status_, 0);
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  std::string tools_;  // empty: on the PATH
  std::string folder_;
  std::string problem_;
  pid_t guard_ = -1;
  int life_ = -1;  // held open for as long as this process lives
  int databases_ = 0;
  int status_ = 0;
};

}  // namespace pawl::test
