#include "aws/lambda_requests.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace pawl::aws {

std::string function_path(std::string_view name, std::string_view rest) {
  return fmt::format("/2015-03-31/functions/{}{}", url_encode(name), rest);
}

std::string qualifier_query(const std::string& qualifier) {
  return qualifier.empty() ? "" : "Qualifier=" + url_encode(qualifier);
}

Call lambda_read(std::string action, std::string path, std::string query) {
  Call call;
  call.service = Service::lambda;
  call.action = "lambda:" + action;
  call.path = std::move(path);
  call.query = std::move(query);
  return call;
}

Call lambda_change(std::string action, std::string method, std::string path,
                   const json::object& body) {
  Call call = lambda_read(std::move(action), std::move(path), "");
  call.method = std::move(method);
  call.headers.set("Content-Type", "application/json");
  call.body = json::serialize(body);
  call.repeat = Repeat::when_not_done;
  return call;
}

}  // namespace pawl::aws
