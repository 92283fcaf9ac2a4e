#include "base/error.h"

namespace pawl {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::config:
      return "config";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::throttled:
      return "throttled";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::interrupted:
      return "interrupted";
    case ErrorKind::refused:
      return "refused";
    case ErrorKind::failed:
      return "failed";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::storage:
      return "storage";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

bool is_transient(ErrorKind kind) {
  return kind == ErrorKind::throttled || kind == ErrorKind::unavailable ||
         kind == ErrorKind::timeout;
}

ErrorKind error_kind_of_status(int http_status) {
  switch (http_status) {
    case 401:
    case 403:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 408:
      return ErrorKind::timeout;
    case 409:
    case 412:
      return ErrorKind::conflict;
    case 429:
      return ErrorKind::throttled;
    default:
      return http_status >= 500 ? ErrorKind::unavailable : ErrorKind::failed;
  }
}

Error Error::while_doing(std::string activity) && {
  activities_.push_back(std::move(activity));
  return std::move(*this);
}

Error Error::with_hint(std::string hint) && {
  hint_ = std::move(hint);
  return std::move(*this);
}

Error Error::with_outcome_unknown(bool unknown) && {
  outcome_unknown_ = unknown;
  return std::move(*this);
}

Error Error::with_http_status(int status) && {
  http_status_ = status;
  return std::move(*this);
}

Error Error::with_code(std::string code) && {
  code_ = std::move(code);
  return std::move(*this);
}

Error Error::with_retry_after(int seconds) && {
  retry_after_seconds_ = seconds;
  return std::move(*this);
}

Error Error::as(ErrorKind kind) && {
  kind_ = kind;
  return std::move(*this);
}

std::string Error::message() const {
  std::string text;
  for (auto activity = activities_.rbegin(); activity != activities_.rend(); ++activity)
    text += "while " + *activity + ": ";
  return text + what_;
}

}  // namespace pawl
