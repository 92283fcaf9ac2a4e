// docs/reference/config.md is made from the schema: this fails when it is stale, and writes it anew
// when PAWL_UPDATE_DOCS is set.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/json.h"
#include "core/config_parser.h"

namespace pawl {
namespace {

const std::string kRoot = PAWL_SOURCE_DIR;

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

const char* kIntroduction =
    R"(# pawl.yaml

This page is made from the [schema](../schema/pawl.schema.json), which editors understand: put

    # yaml-language-server: $schema=<path or URL of pawl.schema.json>

into the first line of `pawl.yaml`. `pawl config check` reads the file, changes nothing, and says for
every mistake its line, its column, what was expected, and which key was probably meant.

Where "Placeholders" is written, `{app}`, `{environment}` and `{region}` are replaced by the
environment's own; within `{ }` or `[ ]` such a text must be between quotes, as YAML wants it.

`aws`, `image`, `infrastructure`, `function`, `url`, `static`, `health`, `hooks`, `limits` and `on_cancel`
stand at the top for all environments, or in one of them for that one alone: there they are laid over
the shared ones, key by key (`hooks` as a whole). `aws: none`, `infrastructure: none`, `static: none`,
`health: none` and `hooks: none` take a shared section away.

A duration is a number and a unit: `500ms`, `60s`, `5m`, `1h`. The file may have 1 MiB, 32 levels and
20,000 values.
)";

const char* kExample = R"(
## An example

```yaml
app: meals
repository: example/meals
image:
  source: ghcr.io/example/meals
  build: {context: ., dockerfile: Dockerfile, platform: linux/amd64, args: {APP_VERSION: "{version}"}}
infrastructure:
  terraform:
    dir: terraform
    backend: environments/{environment}/backend.hcl.template
    var_files: ["environments/{environment}/terraform.tfvars"]
function: {name: "{app}-{environment}", alias: live, repository: "{app}-{environment}-lambda"}
static: {dir: app/static, bucket: "{app}-{environment}-static", prefix: static/, immutable: ["**/*.[0-9a-f]*.*"]}
health: {path: /health, attempts: 15, max_wait: 60s, expect: {status: 200, version_header: X-App-Version}}
environments:
  dev: {trigger: ci, health: {attempts: 5, max_wait: 2s}}
  staging: {trigger: manual}
  prod:
    trigger: manual
    tag: required
    approval: {required: 1}
    freeze: ["Fri 16:00-Mon 08:00 Europe/Berlin"]
    promote_from: staging
    limits: {step: 20m, deployment: 1h}
```
)";

class Reference {
 public:
  explicit Reference(const json::object& schema) : schema_(schema) {}

  std::string make() {
    std::string text = kIntroduction;
    text += kExample;
    text += "\n## Keys\n\n" + table(schema_, "");
    for (const auto* name : {"environment", "aws", "image", "infrastructure", "function", "url",
                             "static", "health", "hook", "limits"}) {
      const json::object& section = schema_.at("$defs").at(name).get_object();
      const bool is_environment = std::string_view(name) == "environment";
      text += fmt::format("\n## {}\n\n{}\n\n", is_environment ? "environments.NAME" : name,
                          string_or(section, "description"));
      text += table(section, "");
    }
    return text;
  }

 private:
  std::string table(const json::object& section, const std::string& prefix) {
    return "| key | | default |\n| --- | --- | --- |\n" + rows(section, prefix);
  }

  std::string rows(const json::object& section, const std::string& prefix) {
    std::string text;
    if (const json::value* choices = section.if_contains("oneOf"))
      for (const auto& choice : choices->get_array()) text += rows(choice.get_object(), prefix);
    const json::value* properties = section.if_contains("properties");
    if (properties == nullptr) return text;
    for (const auto& [key, value] : properties->get_object()) {
      const std::string path = prefix + std::string(key);
      text += row(path, value.get_object());
      if (!value.get_object().contains("$ref")) text += rows(value.get_object(), path + ".");
    }
    return text;
  }

  std::string row(const std::string& path, const json::object& value) {
    if (const std::string target = referred(value); !target.empty())
      return fmt::format("| `{}` | see [{}](#{}) | |\n", path, target, target);
    std::string words = string_or(value, "description");
    if (path == "environments") words += " See [environments.NAME](#environmentsname).";
    if (const json::value* list = value.if_contains("enum")) words += one_of(list->get_array());
    if (value.contains("minimum"))
      words += fmt::format(" {} to {}.", int_or(value, "minimum"), int_or(value, "maximum"));
    if (const json::value* examples = value.if_contains("examples"))
      words += fmt::format(" Example: `{}`.", shown(examples->get_array()[0]));
    const json::value* standard = value.if_contains("default");
    return fmt::format("| `{}` | {} | {} |\n", path, in_cell(words),
                       standard == nullptr || shown(*standard).empty()
                           ? ""
                           : in_cell("`" + shown(*standard) + "`"));
  }

  // The section that a property refers to, also where `none` may stand instead.
  static std::string referred(const json::object& value) {
    const std::string prefix = "#/$defs/";
    const auto* object = &value;
    if (const json::value* choices = value.if_contains("oneOf"))
      object = &choices->get_array()[0].get_object();
    const std::string target = string_or(*object, "$ref");
    return target.rfind(prefix, 0) == 0 ? target.substr(prefix.size()) : "";
  }

  static std::string shown(const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  }
  static std::string one_of(const json::array& words) {
    std::string text = " One of";
    for (size_t i = 0; i < words.size(); ++i)
      text += fmt::format("{} `{}`", i > 0 ? "," : "", shown(words[i]));
    return text + ".";
  }
  static std::string in_cell(std::string text) {
    for (size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
      text.replace(at, 1, "\\|");
    return text;
  }

  const json::object& schema_;
};

TEST(ConfigReference, IsMadeFromTheSchema) {
  const auto schema =
      parse_json_object(read(kRoot + "/docs/schema/pawl.schema.json"), "the schema");
  ASSERT_TRUE(schema.ok());
  const std::string made = Reference(*schema).make();
  const std::string path = kRoot + "/docs/reference/config.md";
  if (std::getenv("PAWL_UPDATE_DOCS") != nullptr) std::ofstream(path) << made;
  EXPECT_EQ(read(path), made) << "run core_test with PAWL_UPDATE_DOCS=1";
}

TEST(ConfigReference, ShowsAnExampleThatIsValid) {
  std::string example = kExample;
  example = example.substr(example.find("app:"));
  example = example.substr(0, example.find("```"));
  const auto config = parse_config(example, "pawl.yaml");
  EXPECT_TRUE(config.ok()) << config.error().message();
}

}  // namespace
}  // namespace pawl
