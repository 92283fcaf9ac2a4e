#include "lambda.h"

#include <cstdio>
#include <cstdlib>

#include "http.h"

namespace meals::lambda {
namespace {

const std::string kBase = "/2018-06-01/runtime/";

// An invocation's result as it is posted: the path it goes to and the body.
struct Outcome {
  const char* path;
  Json body;
};

Outcome failed(const char* type, const std::string& message) {
  return {"/error", Json::Object{{"errorMessage", message}, {"errorType", type}}};
}

// A stage other than $default is the first part of the path that the visitor typed; the App knows
// nothing of stages.
std::string path_of(const Json& event) {
  const std::string path = event["rawPath"].string();
  const std::string stage = "/" + event["requestContext"]["stage"].string();
  if (stage == "/$default" || stage == "/" || path.compare(0, stage.size(), stage) != 0)
    return path;
  const std::string rest = path.substr(stage.size());
  if (rest.empty()) return "/";
  return rest[0] == '/' ? rest : path;
}

Json to_gateway(const App& app, const Response& response, bool with_body) {
  return Json::Object{{"statusCode", response.status},
                      {"headers", Json::Object{{"Content-Type", response.content_type},
                                               {"Cache-Control", response.cache_control},
                                               {"X-App-Version", app.version()}}},
                      {"body", with_body ? response.body : ""},
                      {"isBase64Encoded", false}};
}

Outcome answer_to(App& app, const std::string& text) {
  const auto event = Json::parse(text);
  if (!event) return failed("Meals.BadEvent", "the event is not JSON");

  const std::string operation = (*event)["admin_operation"].string();
  if (!operation.empty()) {
    auto report = app.administer(operation, (*event)["idempotency_key"].string());
    if (!report) return failed("Meals.OperationFailed", "could not do: " + operation);
    return {"/response", *std::move(report)};
  }

  const std::string method = (*event)["requestContext"]["http"]["method"].string();
  if ((*event)["version"].string() != "2.0" || method.empty()) {
    return failed("Meals.BadEvent", "neither an HTTP event (payload format 2.0) nor an operation");
  }
  const Response response = app.handle({method, path_of(*event)});
  return {"/response", to_gateway(app, response, method != "HEAD")};
}

bool post(const std::string& runtime_api, const std::string& path, const Json& body,
          const std::string& headers = "") {
  const auto answer = http::call(runtime_api, "POST", kBase + path, body.dump(),
                                 "Content-Type: application/json\r\n" + headers);
  return answer && http::status(*answer) < 300;
}

}  // namespace

int run(const std::string& runtime_api, std::optional<App> app, const std::string& problem) {
  if (!app) {
    const Json reason = failed("Meals.CannotStart", problem).body;
    post(runtime_api, "init/error", reason,
         "Lambda-Runtime-Function-Error-Type: Meals.CannotStart\r\n");
    return 1;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what is printed belongs to the call that is served
  for (;;) {
    const auto event = http::call(runtime_api, "GET", kBase + "invocation/next", "");
    const std::string id = event ? event->header("lambda-runtime-aws-request-id") : "";
    if (!event || http::status(*event) != 200 || id.empty()) {
      std::fprintf(stderr, "meals: the Runtime API at %s gave no event\n", runtime_api.c_str());
      return 1;
    }
    ::setenv("_X_AMZN_TRACE_ID", event->header("lambda-runtime-trace-id").c_str(), 1);

    const Outcome outcome = answer_to(*app, event->body);
    if (!post(runtime_api, "invocation/" + id + outcome.path, outcome.body)) {
      // The invocation may have run out of time meanwhile; if the API itself is gone, the next call
      // says so.
      std::fprintf(stderr, "meals: the answer to %s was not taken\n", id.c_str());
    }
  }
}

}  // namespace meals::lambda
