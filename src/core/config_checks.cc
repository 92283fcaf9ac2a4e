#include "core/config_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/image_reference.h"
#include "core/terraform_outputs.h"

namespace pawl::checks {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_alnum(char c) {
  return is_letter(c) || is_digit(c);
}
bool is_lower_alnum(char c) {
  return is_lower(c) || is_digit(c);
}
bool is_printable(char c) {
  return c > ' ' && c < 0x7f;
}

bool consists_of(std::string_view text, std::string_view others, bool (*letters)(char)) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letters(c) || others.find(c) != std::string_view::npos;
  });
}

std::string complain(std::string_view text, std::string_view what) {
  return fmt::format("'{}' {}", text.substr(0, 100), what);
}

// Lower-case letters, digits and dashes, beginning and ending with none of the last.
bool is_dashed_name(std::string_view text, size_t longest) {
  return !text.empty() && text.size() <= longest && consists_of(text, "-", is_lower_alnum) &&
         text.front() != '-' && text.back() != '-';
}

}  // namespace

// Names of buckets and functions are made of app and environment, and those end at 63 and 64.
std::string app_name(const std::string& text) {
  if (is_dashed_name(text, 40)) return "";
  return complain(text,
                  "is not a name: lower-case letters, digits and - (not at an end), at most 40");
}

std::string environment_name(const std::string& text) {
  if (is_dashed_name(text, 20)) return "";
  return complain(text,
                  "is not a name: lower-case letters, digits and - (not at an end), at most 20");
}

std::string github_repository(const std::string& text) {
  const auto slash = text.find('/');
  const bool two_parts = slash != std::string::npos && slash > 0 && slash + 1 < text.size() &&
                         text.find('/', slash + 1) == std::string::npos;
  if (two_parts && text.size() <= 140 && consists_of(text, "/._-", is_alnum)) return "";
  return complain(text, "is not a repository on GitHub; write OWNER/NAME");
}

std::string branch(const std::string& text) {
  const bool odd = text.find_first_of(" \t\n~^:?*[\\") != std::string::npos ||
                   text.front() == '-' || text.front() == '/' || text.back() == '/' ||
                   text.find("..") != std::string::npos;
  return odd || text.size() > 255 ? complain(text, "is not a branch name") : "";
}

std::string image_source(const std::string& text) {
  const auto slash = text.find('/');
  const std::string host = text.substr(0, slash);
  const bool has_host = slash != std::string::npos &&
                        (host == "localhost" || host.find_first_of(".:") != std::string::npos);
  if (!has_host)
    return complain(text, "names no registry; write HOST/REPOSITORY, as in ghcr.io/o/n");
  const auto reference = ImageReference::parse(text);
  if (!reference.ok()) return reference.error().what();
  if (reference->tag || reference->digest)
    return complain(text, "has a tag or digest; leave it out, each release brings its own");
  return "";
}

std::string region(const std::string& text) {
  const bool fine = text.size() >= 4 && text.size() <= 32 &&
                    consists_of(text, "-", is_lower_alnum) && text.find('-') != std::string::npos &&
                    is_lower(text.front());
  return fine ? "" : complain(text, "is not a region; write it as in eu-central-1");
}

// arn:PARTITION:iam::ACCOUNT:role/PATH/NAME
std::string role_arn(const std::string& text) {
  constexpr size_t kAccountDigits = 12;
  const size_t iam = text.find(":iam::");
  const size_t account = iam == std::string::npos ? iam : iam + 6;
  const bool fine =
      text.starts_with("arn:aws") && text.size() <= 2048 && account != std::string::npos &&
      text.size() > account + kAccountDigits &&
      std::all_of(text.begin() + static_cast<std::ptrdiff_t>(account),
                  text.begin() + static_cast<std::ptrdiff_t>(account + kAccountDigits), is_digit) &&
      text.compare(account + kAccountDigits, 6, ":role/") == 0 && text.back() != '/' &&
      text.find_first_of(" \t\n*") == std::string::npos;
  return fine ? "" : complain(text, "is not a role's ARN: arn:aws:iam::111122223333:role/NAME");
}

std::string external_id(const std::string& text) {
  const bool fine =
      text.size() >= 2 && text.size() <= 1224 && consists_of(text, "_+=,.@:/-", is_alnum);
  return fine ? ""
              : complain(text, "is not an external ID: 2 to 1224 of letters, digits, _+=,.@:/-");
}

std::string function_name(const std::string& text) {
  if (text.size() <= 64 && consists_of(text, "-_", is_alnum)) return "";
  return complain(text, "is not a function name: letters, digits, - and _, at most 64");
}

std::string alias(const std::string& text) {
  const bool fine = text.size() <= 128 && consists_of(text, "-_", is_alnum) &&
                    !std::all_of(text.begin(), text.end(), is_digit);
  return fine ? "" : complain(text, "is not an alias: letters, digits, - and _, not digits alone");
}

std::string repository_name(const std::string& text) {
  const auto reference = ImageReference::parse("registry.invalid/" + text);
  const bool fine = text.size() >= 2 && text.size() <= 256 && reference.ok() && !reference->tag &&
                    !reference->digest;
  return fine ? ""
              : complain(text, "is not a repository name: lower-case letters, digits and . _ - /");
}

std::string bucket(const std::string& text) {
  const bool fine = text.size() >= 3 && text.size() <= 63 &&
                    consists_of(text, "-.", is_lower_alnum) && is_lower_alnum(text.front()) &&
                    is_lower_alnum(text.back()) && text.find("..") == std::string::npos;
  return fine ? ""
              : complain(text, "is not a bucket: lower-case letters, digits, - and ., 3 to 63");
}

std::string key_prefix(const std::string& text) {
  if (text.front() == '/')
    return complain(text, "must not begin with /; keys have no leading slash");
  if (text.back() != '/') return complain(text, "must end with /");
  if (text.find("//") != std::string::npos || ("/" + text).find("/../") != std::string::npos)
    return complain(text, "is not a plain prefix");
  if (("/" + text).find("/.pawl/") != std::string::npos)
    return complain(text, "lies where Pawl keeps its own objects (.pawl/)");
  return text.size() > 512 ? complain(text, "is longer than 512 characters") : "";
}

std::string header_value(const std::string& text) {
  for (const char c : text)
    if (c < 0x20 || c > 0x7E) return complain(text, "is no header: printable ASCII only");
  return text.size() > 256 ? complain(text, "is longer than 256 characters") : "";
}

std::string distribution_id(const std::string& text) {
  const auto fits = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const bool fine =
      text.size() >= 6 && text.size() <= 32 && std::all_of(text.begin(), text.end(), fits);
  return fine ? "" : complain(text, "is not a distribution's id, such as E1A2B3C4D5E6F7");
}

std::string served_path(const std::string& text) {
  const bool fine = text.front() == '/' && text.back() == '/' &&
                    text.find("//") == std::string::npos && text.find('*') == std::string::npos;
  return fine ? "" : complain(text, "must begin and end with /");
}

std::string relative_path(const std::string& text) {
  if (text.front() == '/') return complain(text, "must be relative");
  return text.size() > 1024 ? complain(text, "is longer than 1024 characters") : "";
}

std::string url(const std::string& text) {
  const bool has_scheme = text.rfind("https://", 0) == 0 || text.rfind("http://", 0) == 0;
  const auto host = text.find("://") + 3;
  const bool has_host = has_scheme && host < text.size() && text[host] != '/';
  if (has_host && text.size() <= 2000 && std::all_of(text.begin(), text.end(), is_printable) &&
      text.find('@') == std::string::npos && text.find_first_of("?#") == std::string::npos)
    return "";
  return complain(text, "is not a plain http:// or https:// address");
}

std::string url_path(const std::string& text) {
  const bool fine = text.front() == '/' && text.size() <= 1000 &&
                    std::all_of(text.begin(), text.end(), is_printable) &&
                    text.find('#') == std::string::npos;
  return fine ? "" : complain(text, "is not a path; it begins with / and has no spaces");
}

std::string header_name(const std::string& text) {
  if (text.size() <= 100 && consists_of(text, "-_", is_alnum)) return "";
  return complain(text, "is not the name of an HTTP header");
}

std::string hook_name(const std::string& text) {
  if (is_dashed_name(text, 40)) return "";
  return complain(text,
                  "is not a name: lower-case letters, digits and - (not at an end), at most 40");
}

std::string qualifier(const std::string& text) {
  const bool fine = text == "$LATEST" || (text.size() <= 128 && consists_of(text, "-_", is_alnum));
  return fine ? "" : complain(text, "is neither $LATEST nor a version nor an alias");
}

std::string build_arg_name(const std::string& text) {
  if (!text.empty() && text.size() <= 100 && consists_of(text, "_", is_alnum) &&
      !is_digit(text.front()))
    return "";
  return complain(text, "is not a build argument's name: letters, digits and _");
}

std::string build_secret(const std::string& id, const std::string& source) {
  if (id.empty() || id.size() > 100 || !consists_of(id, "_-.", is_alnum))
    return complain(id, "is not a secret's id: letters, digits, _ - and .");
  const bool is_env = source.rfind("env:", 0) == 0 && build_arg_name(source.substr(4)).empty();
  const bool is_file = source.rfind("file:", 0) == 0 && source.size() > 5;
  if (is_env || is_file) return "";
  // It may well be the secret itself that was written there: it is not repeated.
  return "expected env:NAME (a variable of Pawl's environment) or file:PATH; a secret itself has "
         "no "
         "place in this file";
}

std::string build_cache(const std::string& text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), is_printable);
  if (is_plain && text.find('=') != std::string::npos && text.find("type=") != std::string::npos)
    return "";
  const auto reference = ImageReference::parse(text);
  const bool has_host = text.find('/') != std::string::npos;
  if (is_plain && reference.ok() && has_host && !reference->digest) return "";
  return complain(text,
                  "is neither an image (HOST/REPOSITORY:TAG) nor a cache of buildx (type=...)");
}

std::string platform(const std::string& text) {
  const auto slash = text.find('/');
  const bool fine = slash != std::string::npos && slash > 0 && slash + 1 < text.size() &&
                    text.size() <= 60 && consists_of(text, "/", is_lower_alnum) &&
                    text.back() != '/';
  return fine ? "" : complain(text, "is not a platform; write it as in linux/arm64");
}

std::string terraform_binary(const std::string& text) {
  const std::string name = text.substr(text.rfind('/') + 1);
  const bool is_plain = std::all_of(text.begin(), text.end(), is_printable);
  if (is_plain && (name.rfind("terraform", 0) == 0 || name.rfind("tofu", 0) == 0)) return "";
  return complain(text, "is neither terraform nor tofu, nor a path to one of them");
}

std::string terraform_workspace(const std::string& text) {
  if (text.size() <= 90 && consists_of(text, "-_.", is_alnum)) return "";
  return complain(text, "is not a workspace: letters, digits, - _ and .");
}

std::string resource_type(const std::string& text) {
  if (text == "default") return "";
  const auto star = text.find('*');
  const std::string name = text.substr(0, star);
  const bool fine = !name.empty() && text.size() <= 100 &&
                    consists_of(name, "_-", is_lower_alnum) &&
                    (star == std::string::npos || star + 1 == text.size());
  return fine ? ""
              : complain(text, "is not a resource type; write aws_s3_bucket, aws_rds_* or default");
}

bool has_output_name(const std::string& text) {
  return names_output(text);
}

std::string output_names(const std::string& text) {
  const std::string flaw = flaw_in_output_names(text);
  return flaw.empty() ? "" : complain(text, flaw);
}

}  // namespace pawl::checks
