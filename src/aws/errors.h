// What AWS says when it refuses, in Pawl's words: the kind from the service's code, the message as
// it came, and for a missing permission the name of it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_client.h"

namespace pawl::aws {

struct ServiceError {
  std::string code;        // "ResourceNotFoundException", without namespace or URL
  std::string message;     // may be empty
  std::string request_id;  // what AWS's support asks for; may be empty
};

/// From the x-amzn-ErrorType header, a JSON body or an XML body; empty when there is none of them.
ServiceError read_service_error(const HttpResponse& response);

/// `action` is the permission that the call needs: "lambda:UpdateFunctionCode". `changes`: a 5xx
/// leaves it open whether it was carried out. `credentials`: where those that signed come from.
Error error_from(const HttpResponse& response, std::string_view action, bool changes,
                 std::string_view credentials = "");

/// A refusal that says that the credentials are no longer valid: new ones may help.
bool is_expired(const Error& error);

/// A refusal that a wrong clock may have caused.
bool is_about_time(const Error& error);

}  // namespace pawl::aws
