#include "aws/process_credentials.h"

#include <fmt/format.h>

#include "aws/answered_credentials.h"
#include "aws/canonical.h"

namespace pawl::aws {
namespace {

constexpr size_t kQuotedErrorBytes = 300;

class Words {
 public:
  Result<std::vector<std::string>> split(std::string_view command) {
    for (size_t i = 0; i < command.size(); ++i) {
      const char c = command[i];
      const bool escapes = c == '\\' && quote_ != '\'';
      if (escapes && i + 1 < command.size() && is_escape(command[i + 1])) {
        add(command[++i]);
      } else if (quote_ != '\0') {
        take_quoted(c);
      } else if (c == '"' || c == '\'') {
        quote_ = c;
        is_open_ = true;
      } else if (c == ' ' || c == '\t') {
        end_word();
      } else {
        add(c);
      }
    }
    if (quote_ != '\0')
      return Error(ErrorKind::config, "a quote in credential_process is not closed");
    end_word();
    if (words_.empty()) return Error(ErrorKind::config, "credential_process names no program");
    return std::move(words_);
  }

 private:
  // Between double quotes a backslash is one but before these.
  bool is_escape(char next) const { return quote_ != '"' || next == '"' || next == '\\'; }
  void take_quoted(char c) {
    if (c == quote_) {
      quote_ = '\0';
    } else {
      add(c);
    }
  }
  void add(char c) {
    word_ += c;
    is_open_ = true;
  }
  void end_word() {
    if (is_open_) words_.push_back(std::move(word_));
    word_.clear();
    is_open_ = false;
  }

  std::vector<std::string> words_;
  std::string word_;
  char quote_ = '\0';
  bool is_open_ = false;
};

class ProcessIssuer : public CredentialIssuer {
 public:
  ProcessIssuer(Processes& processes, CredentialProcess process)
      : processes_(processes), process_(std::move(process)) {}

  Task<Result<Credentials>> issue() override {
    auto given = co_await ask();
    if (given.ok()) co_return given;
    co_return std::move(given)
        .while_doing(
            fmt::format("running the credential_process of profile [{}]", process_.profile))
        .error();
  }

 private:
  Task<Result<Credentials>> ask() {
    Command command;
    PAWL_CO_TRY(command.argv, split_command(process_.command));
    command.timeout = kCredentialProcessLimit;
    command.max_output_bytes = kMaxCredentialProcessBytes + 1;
    const std::string program = command.argv[0];
    PAWL_CO_TRY(const Exited exited, co_await processes_.run(std::move(command), {}));
    if (exited.code != 0) {
      const auto words = trim(exited.errors);
      co_return Error(ErrorKind::denied,
                      fmt::format("{} ended with {}{}{}", program, exited.code,
                                  words.empty() ? "" : ": ", words.substr(0, kQuotedErrorBytes)))
          .with_hint("run the command by hand: it must print credentials as JSON");
    }
    if (exited.output.size() > kMaxCredentialProcessBytes)
      co_return Error(ErrorKind::denied, fmt::format("{} printed more than {} bytes", program,
                                                     kMaxCredentialProcessBytes));
    co_return read(exited.output, program);
  }

  // Nothing of the output is quoted: it holds secrets.
  Result<Credentials> read(const std::string& output, const std::string& program) const {
    const std::string what = "the output of " + program;
    const auto answer = parse_json_object(output, what);
    if (!answer.ok())
      return Error(ErrorKind::denied, what + " is no JSON object")
          .with_hint("run the command by hand: it must print credentials as JSON");
    if (const auto version = int_or(*answer, "Version"); version != 1)
      return Error(ErrorKind::denied,
                   fmt::format("{} is of version {}, and only 1 is known", what, version));
    PAWL_TRY(auto credentials, read_answered_credentials(*answer, what));
    credentials.source = fmt::format("the credential_process of profile [{}]", process_.profile);
    return credentials;
  }

  Processes& processes_;
  CredentialProcess process_;
};

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view command) {
  return Words().split(command);
}

std::unique_ptr<CredentialSource> process_credentials(ClientPorts ports, Processes& processes,
                                                      CredentialProcess process) {
  return renewed_ahead(std::move(ports),
                       std::make_unique<ProcessIssuer>(processes, std::move(process)));
}

}  // namespace pawl::aws
