// What went wrong, as a value that tells a story: what was being done, to what, what came back,
// and what to do next. Each layer adds one line with while_doing(); kinds decide exit codes and
// retries, the words never do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pawl {

enum class ErrorKind {
  usage,        // the command line or a request is wrong; nothing was touched
  config,       // pawl.yaml is wrong; nothing was touched
  not_found,    // the thing that was named does not exist
  denied,       // credentials or permissions
  conflict,     // someone else changed it (a precondition failed)
  throttled,    // asked to slow down
  unavailable,  // network failure or a 5xx; worth another try
  timeout,      // no answer in time
  interrupted,  // the person, or the owner of the task, asked to stop
  refused,      // policy says no
  failed,       // the work itself said no (a health check, a build)
  corrupt,      // bytes are not what they must be (digest mismatch, bad JSON from a server)
  storage,      // our own disk or database
  internal,     // a broken invariant of ours
};

std::string_view to_string(ErrorKind kind);

/// Whether another try of an idempotent call can help.
bool is_transient(ErrorKind kind);

/// What an HTTP status that was not wanted means (RFC 9110, section 15).
ErrorKind error_kind_of_status(int http_status);

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string what) : kind_(kind), what_(std::move(what)) {}

  ErrorKind kind() const { return kind_; }
  /// The innermost sentence, without context.
  const std::string& what() const { return what_; }
  const std::string& hint() const { return hint_; }
  /// The request may have been carried out although no answer came: observe before doing it again.
  bool outcome_unknown() const { return outcome_unknown_; }
  /// An HTTP status when one came back, else 0.
  int http_status() const { return http_status_; }
  /// The server's own code ("ResourceConflictException", "BLOB_UNKNOWN"), else empty.
  const std::string& code() const { return code_; }
  /// How long the server asked us to wait before another try, in seconds; 0 when it did not say.
  int retry_after_seconds() const { return retry_after_seconds_; }

  /// Adds what the caller was doing: "copying the image to 123.dkr.ecr...". Outermost is shown
  /// first.
  Error while_doing(std::string activity) &&;
  Error with_hint(std::string hint) &&;
  Error with_outcome_unknown(bool unknown = true) &&;
  Error with_http_status(int status) &&;
  Error with_code(std::string code) &&;
  Error with_retry_after(int seconds) &&;
  Error as(ErrorKind kind) &&;

  /// The whole story on one line: "while A: while B: what". The hint is not in it.
  std::string message() const;

 private:
  ErrorKind kind_;
  std::string what_;
  std::string hint_;
  std::string code_;
  std::vector<std::string> activities_;  // innermost first
  int http_status_ = 0;
  int retry_after_seconds_ = 0;
  bool outcome_unknown_ = false;
};

}  // namespace pawl
