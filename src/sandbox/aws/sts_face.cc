#include "sandbox/aws/sts_face.h"

#include <algorithm>

#include <fmt/format.h>

#include "aws/xml.h"
#include "base/encoding.h"

namespace pawl::sandbox {

namespace {

using aws::xml_escape;

constexpr const char* kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

std::string credentials_xml(const cloud::Principal& p) {
  return fmt::format(
      "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>"
      "<SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials>"
      "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
      p.access_key_id, p.secret, p.session_token, iso_seconds(p.expires_at.value_or(WallTime{})),
      xml_escape(p.user_id), xml_escape(p.arn));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_form(std::string_view body) {
  std::vector<std::pair<std::string, std::string>> fields;
  auto decode = [](std::string_view part) {
    std::string text(part);
    std::replace(text.begin(), text.end(), '+', ' ');
    auto decoded = url_decode(text);
    return decoded.ok() ? *decoded : text;
  };
  while (!body.empty()) {
    const size_t end = body.find('&');
    const std::string_view field = body.substr(0, end);
    const size_t equals = field.find('=');
    if (!field.empty())
      fields.emplace_back(decode(field.substr(0, equals)),
                          equals == std::string_view::npos ? "" : decode(field.substr(equals + 1)));
    if (end == std::string_view::npos) break;
    body.remove_prefix(end + 1);
  }
  return fields;
}

ServerResponse query_answer(const AwsCall& call, const std::string& xml_namespace,
                            const std::string& result) {
  const std::string wrapped =
      result.empty() ? "" : fmt::format("<{0}Result>{1}</{0}Result>", call.operation, result);
  return xml_answer(call, 200,
                    fmt::format("<{0}Response xmlns=\"{1}\">{2}<ResponseMetadata><RequestId>{3}"
                                "</RequestId></ResponseMetadata></{0}Response>",
                                call.operation, xml_namespace, wrapped, call.request_id));
}

void StsFace::name(AwsCall& call) {
  // From here on the form's fields are the call's parameters.
  if (!call.body.empty()) call.query = parse_form(call.body);
  const std::string action = call.param("Action");
  for (const char* known : {"GetCallerIdentity", "AssumeRoleWithWebIdentity", "AssumeRole"}) {
    if (action == known) call.operation = action;
  }
  const std::string role = call.param("RoleArn");
  call.resource = role.substr(role.rfind('/') + 1);
}

ServerResponse StsFace::answer(const AwsCall& call) {
  if (call.operation == "GetCallerIdentity") {
    const cloud::Principal& p = call.principal;
    return query_answer(call, kNamespace,
                        fmt::format("<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                                    xml_escape(p.arn), xml_escape(p.user_id), cloud_.account.id));
  }
  constexpr int kDefaultSeconds = 3600;
  const int duration = static_cast<int>(count_or(call.param("DurationSeconds"), kDefaultSeconds));
  if (call.operation == "AssumeRole") {
    auto assumed = cloud_.sts.assume_role(call.param("RoleArn"), call.param("RoleSessionName"),
                                          duration, call.now);
    if (!assumed.ok()) return error_answer(call, assumed.error());
    return query_answer(call, kNamespace, credentials_xml(assumed->principal));
  }
  const cloud::AssumeWithWebIdentity request{call.param("RoleArn"), call.param("RoleSessionName"),
                                             call.param("WebIdentityToken"), duration};
  auto assumed = cloud_.sts.assume_with_web_identity(request, call.now, verify_);
  if (!assumed.ok()) return error_answer(call, assumed.error());
  return query_answer(
      call, kNamespace,
      credentials_xml(assumed->principal) +
          fmt::format("<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken>"
                      "<Provider>{}</Provider><Audience>{}</Audience>",
                      xml_escape(assumed->subject), xml_escape(assumed->provider),
                      xml_escape(assumed->audience)));
}

}  // namespace pawl::sandbox
