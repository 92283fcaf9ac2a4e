// pawl copy SRC DST
#include "cli/copy.h"

#include <fmt/format.h>

#include <memory>

#include "base/json.h"
#include "cli/commands.h"

namespace pawl {
namespace {

json::object as_json(const CopyOutcome& outcome) {
  const oci::CopyReport& report = outcome.report;
  json::array warnings;
  for (const auto& warning : report.warnings) warnings.emplace_back(warning);
  json::object object{
      {"source", outcome.source.str()}, {"target", outcome.target.str()},
      {"digest", report.digest.str()},  {"platform_digest", report.platform_digest.str()},
      {"was_there", report.was_there},  {"bytes_copied", report.bytes_copied}};
  object["blobs"] = json::object{{"copied", report.blobs_copied},
                                 {"mounted", report.blobs_mounted},
                                 {"present", report.blobs_present}};
  object["manifests_copied"] = report.manifests_copied;
  object["referrers_copied"] = report.referrers_copied;
  object["duration_ms"] = outcome.duration.count();
  object["warnings"] = std::move(warnings);
  return object;
}

}  // namespace

void add_copy(CliCommand root, Globals& globals) {
  const auto arguments = std::make_shared<CopyArguments>();
  root.sub("copy", "Copy an image from one registry to another, keeping its digest")
      .positional("SRC", arguments->source, "HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST")
      .positional("DST", arguments->target, "HOST/REPOSITORY[:TAG]; without a tag the source's")
      .option("--platform", arguments->platform,
              "only this platform's manifest, for example linux/amd64 (the digest is then its own)")
      .flag("--all-platforms", arguments->all_platforms, "the whole index (the default)")
      .flag("--plain-http", arguments->plain_http,
            "speak to both registries without TLS (loopback needs no flag)")
      .flag("--no-referrers", arguments->no_referrers,
            "leave signatures and attestations that are attached to the image behind")
      .option("--jobs", arguments->jobs,
              "large layers on their way at a time (default 6); small ones, to 4 MiB, seven times "
              "as many")
      .examples(
          "  pawl copy ghcr.io/example/meals:v1.4.2 "
          "123456789012.dkr.ecr.us-east-1.amazonaws.com/meals:v1.4.2\n"
          "  pawl copy localhost:5001/app:v1 localhost:5002/app --platform linux/arm64\n")
      .run([arguments, &globals] {
        const auto outcome = copy_between_registries(*arguments, globals);
        if (!outcome.ok()) return report(outcome.error(), globals);
        if (globals.json) {
          fmt::print("{}", pretty(as_json(*outcome)));
        } else {
          for (const auto& warning : outcome->report.warnings)
            fmt::print(stderr, "pawl: warning: {}\n", warning);
          fmt::print("{}\n", describe_copy(*outcome));
        }
        return static_cast<int>(kDone);
      });
}

}  // namespace pawl
