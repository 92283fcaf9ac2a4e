// pawl sync DIR s3://BUCKET/PREFIX
#include "cli/sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "aws/cloud_front.h"
#include "aws/directory_files.h"
#include "aws/s3.h"
#include "cli/commands.h"
#include "cli/connections.h"
#include "cli/terminal.h"
#include "cli/view.h"
#include "net/http_client.h"

namespace pawl {
namespace {

constexpr int kMaxJobs = 256;

constexpr const char* kExamples =
    "  pawl sync app/static s3://meals-static/static --immutable '**/*.[0-9a-f]*.*'\n"
    "  pawl sync site s3://example.org --dry-run\n"
    "  pawl sync site s3://example.org --delete --cache-control 'public,max-age=300'\n"
    "  pawl sync site s3://example.org --compress br,gzip --cloudfront E1A2B3C4D5E6F7\n";

json::array paths_of(const SyncPlan& plan) {
  json::array paths;
  for (const auto& group : plan.uploads)
    for (const auto& file : group) paths.emplace_back(file.path);
  return paths;
}

json::array strings(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

void print_json(const SyncReport& report, bool dry_run) {
  json::object object;
  object["dry_run"] = dry_run;
  object["upload"] = paths_of(report.plan);
  json::array doomed;
  for (const auto& each : report.plan.removals) doomed.emplace_back(each.key);
  object["delete"] = std::move(doomed);
  object["kept"] = strings(report.plan.kept);
  object["unchanged"] = report.plan.unchanged;
  object["uploaded"] = report.result.uploaded;
  object["deleted"] = report.result.removed;
  object["bytes"] = report.result.bytes;
  object["notes"] = strings(report.plan.notes);
  if (!report.invalidation.empty()) object["invalidation"] = report.invalidation;
  fmt::print("{}", pretty(object));
}

void print_dry_run(const SyncPlan& plan) {
  for (const auto& group : plan.uploads)
    for (const auto& file : group)
      fmt::print("would upload {} ({}, {}, {}{})\n", printable(file.path), format_bytes(file.size),
                 file.content_type, file.cache_control,
                 file.content_encoding.empty() ? "" : ", " + file.content_encoding);
  for (const auto& each : plan.removals) fmt::print("would delete {}\n", printable(each.key));
  for (const auto& key : plan.kept)
    fmt::print("would keep {}: a release still names it\n", printable(key));
  for (const auto& note : plan.notes) fmt::print("note: {}\n", printable(note));
  fmt::print("{} to upload ({}), {} to delete, {} unchanged\n", plan.upload_count(),
             format_bytes(plan.bytes), plan.removals.size(), plan.unchanged);
}

void print_summary(const SyncReport& report, std::chrono::milliseconds took) {
  const auto& result = report.result;
  fmt::print("uploaded {} files ({}), {} unchanged, {} deleted, in {}\n", result.uploaded,
             format_bytes(result.bytes), result.unchanged, result.removed, format_duration(took));
  for (const auto& note : report.plan.notes) fmt::print("note: {}\n", printable(note));
  if (!report.invalidation.empty())
    fmt::print("CloudFront was told: invalidation {}\n", printable(report.invalidation));
  if (!report.plan.kept.empty())
    fmt::print("{} kept that the directory no longer has: releases still name them\n",
               report.plan.kept.size());
}

// One line that is written over, on a terminal only.
SyncProgress progress_on(const Terminal& terminal, const Globals& globals) {
  if (!terminal.is_terminal || globals.json || globals.quiet) return {};
  return [](uint64_t done, uint64_t total) {
    fmt::print("\r{} of {}  {}", format_bytes(done), format_bytes(total),
               done == total ? "\n" : "");
    std::fflush(stdout);
  };
}

int run_sync(const SyncRequest& request, const Globals& globals) {
  const std::string state_dir = globals.state_dir.empty() ? ".pawl" : globals.state_dir;
  auto environment = effective_environment(globals, state_dir);
  if (!environment.ok()) return report(environment.error(), globals);
  Loop loop;
  std::stop_source stop;
  loop.stop_on_signals(stop);
  const SteadyTime started = loop.clock().steady_now();
  const Terminal terminal = Terminal::of_stdout(globals.environment);
  auto done = loop.run(sync_to_s3(loop, *environment, request, state_dir + "/compressed",
                                  progress_on(terminal, globals)),
                       stop.get_token());
  if (!done.ok()) return report(done.error(), globals);
  if (globals.json) {
    print_json(*done, request.dry_run);
  } else if (request.dry_run) {
    print_dry_run(done->plan);
  } else if (!globals.quiet) {
    print_summary(*done, loop.clock().steady_now() - started);
  }
  return kDone;
}

}  // namespace

Result<StaticTarget> parse_s3_url(std::string_view url) {
  constexpr std::string_view kScheme = "s3://";
  const auto wrong = [url](std::string_view why) {
    return Error(ErrorKind::usage, fmt::format("'{}' {}", url, why))
        .with_hint("it must look like s3://bucket/prefix");
  };
  if (url.substr(0, kScheme.size()) != kScheme) return wrong("is no S3 URL");
  const std::string_view rest = url.substr(kScheme.size());
  const auto slash = rest.find('/');
  StaticTarget target;
  target.bucket = rest.substr(0, slash);
  if (target.bucket.size() < 3 || target.bucket.size() > 63 ||
      target.bucket.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") !=
          std::string::npos)
    return wrong("names no valid bucket");
  if (slash != std::string_view::npos) target.prefix = rest.substr(slash + 1);
  if (!target.prefix.empty() && target.prefix.back() != '/') target.prefix += '/';
  if (!target.prefix.empty() &&
      !is_safe_path(std::string_view(target.prefix).substr(0, target.prefix.size() - 1)))
    return wrong("has a prefix that no key can have");
  return target;
}

namespace {

Result<StaticRules> rules_of(const SyncRequest& request) {
  StaticRules rules;
  rules.immutable = request.immutable;
  for (const auto& text : request.cache) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return Error(ErrorKind::usage, fmt::format("'{}' is no rule of caching", text))
          .with_hint("it must look like --cache '**/*.html=public,max-age=60'");
    rules.cache.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  for (const auto& list : request.compress) {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(',', begin), list.size());
      const std::string encoding = list.substr(begin, end - begin);
      if (encoding != "br" && encoding != "gzip")
        return Error(ErrorKind::usage,
                     fmt::format("--compress takes br and gzip, not '{}'", encoding));
      if (std::find(rules.compress.begin(), rules.compress.end(), encoding) == rules.compress.end())
        rules.compress.push_back(encoding);
      begin = end + 1;
    }
  }
  return rules;
}

bool has_rule(const StaticRules& rules, const StaticFile& file) {
  const std::string path = file.content_encoding.empty() ? file.path : variant_of(file);
  return std::any_of(rules.cache.begin(), rules.cache.end(),
                     [&path](const auto& rule) { return glob_matches(rule.match, path); });
}

Task<Result<StaticManifest>> scan(StaticFiles& files, const SyncRequest& request) {
  PAWL_CO_TRY(const auto rules, rules_of(request));
  auto scanned = co_await files.scan(request.directory, rules);
  if (!scanned.ok() && scanned.error().kind() == ErrorKind::not_found)
    co_return std::move(scanned).error().as(ErrorKind::usage);
  PAWL_CO_TRY(auto manifest, std::move(scanned));
  if (!request.cache_control.empty())
    for (auto& file : manifest.files)
      if (!file.is_immutable && !has_rule(rules, file)) file.cache_control = request.cache_control;
  co_return manifest;
}

}  // namespace

Task<Result<SyncReport>> sync(SyncPorts ports, SyncRequest request, SyncProgress progress) {
  PAWL_CO_TRY(const auto target, parse_s3_url(request.target));
  if (request.jobs < 1 || request.jobs > kMaxJobs)
    co_return Error(ErrorKind::usage, fmt::format("--jobs must be from 1 to {}", kMaxJobs));
  CdnTarget cdn;
  cdn.distribution = request.distribution;
  cdn.path = request.served_at.empty() ? "/" + target.prefix : request.served_at;
  cdn.waits = request.wait;
  if (cdn.path.front() != '/' || cdn.path.back() != '/')
    co_return Error(ErrorKind::usage, "--cloudfront-path must begin and end with /");
  PAWL_CO_TRY(auto manifest, co_await scan(ports.files, request));
  SyncReport report;
  SyncOptions options;
  options.remove_others = request.remove_others;
  options.looks_at_everything = request.verify;
  options.at_once = static_cast<size_t>(request.jobs);
  // The same release told of twice is one invalidation; what was replaced is part of its name.
  const std::string key = "sync-" + manifest.digest().substr(0, 16);
  options.after_changes = [&](std::vector<std::string> replaced) -> Task<Result<void>> {
    PAWL_CO_TRY(report.invalidation,
                co_await invalidate(ports.cdn, ports.clock, cdn, std::move(replaced), key));
    co_return ok();
  };
  PAWL_CO_TRY(report.plan, co_await plan_sync(ports.store, target, std::move(manifest), options));
  report.result.unchanged = report.plan.unchanged;
  if (request.dry_run) co_return report;
  PAWL_CO_TRY(report.result,
              co_await carry_out_sync(ports.store, ports.files, target, request.directory,
                                      report.plan, options, std::move(progress)));
  co_return report;
}

Task<Result<SyncReport>> sync_to_s3(Loop& loop, ProcessEnvironment environment, SyncRequest request,
                                    std::string cache_folder, SyncProgress progress) {
  // As the AWS tools have it for S3; a bucket elsewhere says where it is.
  PAWL_CO_TRY(const auto profiles, aws::load_profiles(environment.all()));
  const bool has_region = !environment.get("AWS_REGION").empty() ||
                          !environment.get("AWS_DEFAULT_REGION").empty() ||
                          !profiles.setting("region").empty();
  const std::string region = has_region ? "" : "us-east-1";
  HttpClientOptions http_options = http_client_options(environment);
  http_options.max_connections_per_host = static_cast<size_t>(std::max(request.jobs, 1));
  const auto http = make_http_client(loop, http_options);
  const aws::ClientPorts ports{*http, loop.clock(), loop.entropy()};
  const auto processes = make_processes(loop);
  aws::ChainSettings settings;
  settings.session_name = "pawl-sync";
  PAWL_CO_TRY(auto access, aws_access(environment, ports, *processes, region, std::move(settings)));
  aws::Client client(ports, access.options, access.credentials);
  aws::S3 store(client);
  aws::CloudFront cdn(client);
  DirectoryOptions directory;
  directory.base = ".";
  directory.cache_folder = std::move(cache_folder);
  directory.clock = &loop.clock();
  const auto files = make_directory_files(std::move(directory));
  const SyncPorts sync_ports{store, *files, cdn, loop.clock()};
  co_return co_await sync(sync_ports, std::move(request), std::move(progress));
}

void add_sync(CliCommand root, Globals& globals) {
  auto request = std::make_shared<SyncRequest>();
  root.sub("sync", "Bring a directory into a bucket: what is new first, pages last")
      .positional("dir", request->directory, "the directory")
      .positional("target", request->target, "s3://BUCKET/PREFIX")
      .flag("--dry-run", request->dry_run, "say what would be done, and do nothing")
      .flag("--delete", request->remove_others,
            "delete what the directory does not have, unless a release names it")
      .option("-j,--jobs", request->jobs, "transfers at once")
      .option("--immutable", request->immutable,
              "glob of files whose names change with their content; cached for a year")
      .option("--cache-control", request->cache_control,
              "of the files that are not immutable (no-cache)")
      .option("--cache", request->cache,
              "GLOB=CONTROL: another Cache-Control for what matches; the first that matches counts")
      .option("--compress", request->compress,
              "br, gzip: also upload compressed variants (app.js.br) of what gains from it")
      .option("--cloudfront", request->distribution,
              "id of a CloudFront distribution that is told what was replaced")
      .option("--cloudfront-path", request->served_at,
              "where it serves the prefix (/ and the prefix)")
      .flag("--wait", request->wait, "until CloudFront has forgotten the old files everywhere")
      .flag("--verify", request->verify,
            "list the whole bucket, whatever the record of the last sync says")
      .examples(kExamples)
      .run([request, &globals] { return run_sync(*request, globals); });
}

}  // namespace pawl
