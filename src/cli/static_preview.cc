#include "cli/static_preview.h"

#include <fmt/format.h>

#include "cli/view.h"

namespace pawl {
namespace {

constexpr size_t kShownFiles = 10;

json::array paths_of(const std::vector<StaticFile>& files) {
  json::array paths;
  for (const auto& file : files) paths.emplace_back(file.path);
  return paths;
}

std::string lines_of(const char* verb, const std::vector<StaticFile>& files) {
  std::string lines;
  for (size_t i = 0; i < files.size() && i < kShownFiles; ++i)
    lines += fmt::format("  {:<20} {} ({}, {})\n", verb, printable(files[i].path),
                         format_bytes(files[i].size), files[i].cache_control);
  if (files.size() > kShownFiles)
    lines += fmt::format("  {:<20} and {} more\n", verb, files.size() - kShownFiles);
  return lines;
}

StaticRules rules_of(const StaticSettings& settings) {
  StaticRules rules;
  rules.immutable = settings.immutable;
  for (const auto& rule : settings.cache) rules.cache.push_back({rule.match, rule.control});
  rules.compress = settings.compress;
  return rules;
}

}  // namespace

Task<Result<std::optional<StaticPlan>>> preview_files(Session& session,
                                                      const EnvironmentConfig& environment) {
  if (!environment.static_files) co_return std::optional<StaticPlan>();
  const StaticSettings& settings = *environment.static_files;
  const StepPorts& ports = session.ports();
  StaticPlan plan;
  auto manifest = co_await ports.static_files->scan(settings.dir, rules_of(settings));
  if (!manifest.ok()) {
    if (manifest.error().kind() == ErrorKind::interrupted) co_return std::move(manifest).error();
    plan.why_not = manifest.error().message();
    co_return std::optional<StaticPlan>(std::move(plan));
  }
  const StaticTarget target{settings.bucket, settings.prefix};
  auto preview = co_await preview_static(*ports.objects, target, *std::move(manifest));
  if (!preview.ok()) {
    if (preview.error().kind() == ErrorKind::interrupted) co_return std::move(preview).error();
    plan.why_not = preview.error().message();
    co_return std::optional<StaticPlan>(std::move(plan));
  }
  plan.is_known = true;
  plan.preview = *std::move(preview);
  co_return std::optional<StaticPlan>(std::move(plan));
}

json::object to_json(const StaticPlan& plan) {
  if (!plan.is_known) return {{"known", false}, {"why_not", plan.why_not}};
  json::array notes;
  for (const auto& note : plan.preview.notes) notes.emplace_back(note);
  return {{"known", true},
          {"upload", paths_of(plan.preview.uploads)},
          {"replace", paths_of(plan.preview.switches)},
          {"unchanged", plan.preview.unchanged},
          {"bytes", plan.preview.bytes},
          {"notes", std::move(notes)}};
}

std::string in_words(const StaticPlan& plan) {
  if (!plan.is_known)
    return fmt::format("  what becomes of them cannot be told yet: {}\n", printable(plan.why_not));
  const StaticPreview& preview = plan.preview;
  std::string text = lines_of("upload", preview.uploads) + lines_of("replace", preview.switches);
  text += fmt::format("  {} new, {} replaced, {} unchanged ({} to send)\n", preview.uploads.size(),
                      preview.switches.size(), preview.unchanged, format_bytes(preview.bytes));
  for (const auto& note : preview.notes) text += fmt::format("  note: {}\n", printable(note));
  return text;
}

}  // namespace pawl
