#include "cli/copy.h"

#include <fmt/format.h>

#include "aws/client.h"
#include "cli/connections.h"
#include "cli/registry_access.h"
#include "cli/view.h"

namespace pawl {
namespace {

constexpr int kMostJobs = 64;

/// ECR's own login is tried for hosts that are ECR's, and on a stand-in for AWS.
struct AwsParts {
  std::shared_ptr<aws::CredentialSource> credentials;
  std::unique_ptr<aws::Client> client;
  std::unique_ptr<aws::Ecr> ecr;
};

Result<AwsParts> open_aws(const ProcessEnvironment& environment, const CopyPlan& plan,
                          aws::ClientPorts ports, Processes& processes) {
  AwsParts parts;
  std::string region;
  for (const auto* image : {&plan.target, &plan.source})
    if (region.empty()) region = oci::ecr_region(image->host);
  const bool has_stand_in = !environment.get("AWS_ENDPOINT_URL").empty() ||
                            !environment.get("AWS_ENDPOINT_URL_ECR").empty();
  if (region.empty() && !has_stand_in) return parts;
  aws::ChainSettings settings;
  settings.session_name = "pawl-copy";
  PAWL_TRY(auto access, aws_access(environment, ports, processes, region, std::move(settings)));
  parts.credentials = access.credentials;
  parts.client = std::make_unique<aws::Client>(ports, std::move(access.options), parts.credentials);
  parts.ecr = std::make_unique<aws::Ecr>(*parts.client);
  return parts;
}

// Where a sandbox would be: a copy needs no pawl.yaml, and looks only when it is told --sandbox.
std::string state_dir_of(const Globals& globals) {
  if (!globals.sandbox || !globals.state_dir.empty()) return globals.state_dir;
  const auto config = find_config(globals);
  const size_t slash = config.ok() ? config->rfind('/') : std::string::npos;
  return slash == std::string::npos ? ".pawl" : config->substr(0, slash) + "/.pawl";
}

CopyViewKind kind_of_view(const Globals& globals, const Terminal& terminal) {
  if (globals.json || globals.quiet) return CopyViewKind::silent;
  return terminal.is_terminal ? CopyViewKind::bars : CopyViewKind::lines;
}

}  // namespace

Result<CopyOutcome> copy_between_registries(const CopyArguments& arguments,
                                            const Globals& globals) {
  PAWL_TRY(CopyPlan plan, plan_copy(arguments));
  Loop loop;
  std::stop_source stop;
  loop.stop_on_signals(stop);
  PAWL_TRY(const auto environment, effective_environment(globals, state_dir_of(globals)));
  const auto http = make_http_client(loop, http_client_options(environment));
  const auto processes = make_processes(loop);
  const aws::ClientPorts ports{*http, loop.clock(), loop.entropy()};
  PAWL_TRY(const AwsParts aws, open_aws(environment, plan, ports, *processes));
  PAWL_TRY(auto access, registry_access(environment, *processes, loop, aws.ecr.get()));
  if (arguments.plain_http)
    for (const auto* image : {&plan.source, &plan.target})
      access.hosts.allow_plain_http(image->host);
  oci::Registries registries(*http, loop.clock(), loop.entropy(), std::move(access));
  const Terminal terminal = Terminal::of_stdout(environment);
  const auto view = make_copy_view(kind_of_view(globals, terminal), terminal, loop.clock(), stdout);
  auto outcome =
      loop.run(run_copy(std::move(plan), registries, loop.clock(), *view), stop.get_token());
  return outcome;
}

Result<CopyPlan> plan_copy(const CopyArguments& arguments) {
  const auto usage = [](std::string what) { return Error(ErrorKind::usage, std::move(what)); };
  PAWL_TRY(auto source, ImageReference::parse(arguments.source));
  PAWL_TRY(auto target, ImageReference::parse(arguments.target));
  if (arguments.jobs < 1 || arguments.jobs > kMostJobs)
    return usage(fmt::format("--jobs is {} and must be 1 to {}", arguments.jobs, kMostJobs));
  if (arguments.all_platforms && !arguments.platform.empty())
    return usage("--platform and --all-platforms exclude each other");
  if (!source.tag && !source.digest) source.tag = "latest";
  if (!target.tag && !target.digest) target.tag = source.tag;
  oci::CopyOptions options;
  options.jobs = static_cast<size_t>(arguments.jobs);
  options.small_jobs = options.jobs * oci::kSmallJobsForEachJob;
  options.referrers = !arguments.no_referrers;
  if (!arguments.platform.empty()) {
    PAWL_TRY(options.platform, oci::Platform::parse(arguments.platform));
  }
  const std::string reference = source.digest ? source.digest->str() : *source.tag;
  const oci::CopyRequest request{reference, target.tag, target.digest};
  return CopyPlan{std::move(source), std::move(target), request, options};
}

Task<Result<CopyOutcome>> run_copy(CopyPlan plan, oci::Registries& registries, Clock& clock,
                                   CopyView& view) {
  oci::Repository from(registries.at(plan.source.host), plan.source.repository, false);
  oci::Repository to(registries.at(plan.target.host), plan.target.repository, true);
  const SteadyTime began = clock.steady_now();
  auto report = co_await oci::copy_image(from, to, plan.request, plan.options, &view);
  view.finish();
  if (!report.ok()) co_return std::move(report).error();
  co_return CopyOutcome{plan.source, plan.target, std::move(report).value(),
                        clock.steady_now() - began};
}

std::string describe_copy(const CopyOutcome& outcome) {
  const oci::CopyReport& report = outcome.report;
  const std::string named = fmt::format("{} is {}", outcome.target.str(), report.digest.str());
  if (report.was_there && report.bytes_copied == 0)
    return fmt::format("nothing to copy: {}", named);
  const double seconds = std::max(static_cast<double>(outcome.duration.count()), 1.0) / 1000;
  const auto rate = static_cast<uint64_t>(static_cast<double>(report.bytes_copied) / seconds);
  std::string layers = fmt::format("{} layers", report.blobs_copied);
  if (report.blobs_mounted > 0) layers += fmt::format(", {} mounted", report.blobs_mounted);
  if (report.blobs_present > 0) layers += fmt::format(", {} were there", report.blobs_present);
  if (report.referrers_copied > 0) layers += fmt::format(", {} attached", report.referrers_copied);
  return fmt::format("copied {} in {} ({}/s), {}: {}", format_bytes(report.bytes_copied),
                     format_duration(outcome.duration), format_bytes(rate), layers, named);
}

}  // namespace pawl
