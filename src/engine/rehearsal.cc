#include "engine/rehearsal.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/secret.h"
#include "core/architecture.h"
#include "core/hooks.h"
#include "core/retention.h"
#include "engine/static_sync.h"
#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"

namespace pawl {
namespace {

constexpr size_t kFilesShown = 5;

// A step's context in which nothing may be changed.
class ReadingContext : public StepContext {
 public:
  ReadingContext(Clock& clock, const Deployment& deployment, const PlanStep& step)
      : clock_(clock), deployment_(deployment), step_(step) {}
  const Deployment& deployment() const override { return deployment_; }
  const PlanStep& step() const override { return step_; }
  std::string key() const override { return "rehearsal"; }
  Clock& clock() override { return clock_; }
  void log(std::string_view line) override { lines.push_back(redact(line)); }
  void progress(uint64_t, uint64_t, std::string_view) override {}
  Task<Result<void>> record_attempt(json::object) override { co_return ok(); }
  Task<Result<void>> before_change() override {
    co_return Error(ErrorKind::refused, "a rehearsal changes nothing");
  }
  std::vector<std::string> lines;

 private:
  Clock& clock_;
  const Deployment& deployment_;
  const PlanStep& step_;
};

std::string short_digest(const std::string& digest) {
  const auto parsed = Digest::parse(digest);
  return parsed.ok() ? parsed->short_form() : digest;
}

class Rehearsal {
 public:
  Rehearsal(StepPorts ports, StepLibrary& library, Plan plan, RehearsalOptions options)
      : ports_(ports), library_(library), options_(std::move(options)) {
    deployment_.id = "rehearsal";
    deployment_.app = options_.app;
    deployment_.environment = plan.release.environment;
    deployment_.kind = plan.kind;
    deployment_.release = plan.release;
    for (const PlanStep& step : plan.steps) {
      StepState state;
      state.id = step.id;
      deployment_.steps.push_back(std::move(state));
    }
    deployment_.plan = std::move(plan);
  }

  Task<std::vector<StepFinding>> run() {
    std::vector<StepFinding> findings;
    for (const PlanStep& step : deployment_.plan->steps) {
      StepFinding finding;
      finding.step = step.id;
      auto looked = co_await look_at(step, finding);
      if (!looked.ok()) {
        finding.error = redact(looked.error().message());
        finding.hint = looked.error().hint();
      }
      if (!finding.lines.empty() || !finding.error.empty()) findings.push_back(std::move(finding));
    }
    co_return findings;
  }

 private:
  Task<Result<void>> look_at(const PlanStep& step, StepFinding& finding) {
    if (step.kind == "capture_live") co_return co_await capture(step, finding);
    if (step.kind == "plan_infrastructure") co_return co_await infrastructure(step, finding);
    if (step.kind == "copy_image") co_return co_await image(step, finding);
    if (step.kind == "update_function") co_return code(finding);
    if (step.kind == "publish_version") co_return co_await version(step, finding);
    if (step.kind == "move_alias") co_return alias(step, finding);
    if (step.kind == "restore_function") co_return co_await earlier_release(step, finding);
    if (step.kind == "upload_static") co_return co_await files(step, finding);
    if (step.kind == "find_url") co_return co_await address(step, finding);
    if (step.kind == "check_health") co_return health(finding);
    if (step.kind == kHookKind) co_return hook(step, finding);
    if (step.kind == "prune_versions") co_return co_await old_versions(step, finding);
    co_return ok();
  }

  void succeeded(const PlanStep& step, json::object outputs) {
    StepState* state = deployment_.step(step.id);
    state->status = StepStatus::succeeded;
    state->outputs = std::move(outputs);
  }

  Task<Result<void>> capture(const PlanStep& step, StepFinding& finding) {
    ReadingContext context(*ports_.clock, deployment_, step);
    auto outputs = co_await library_.find(step.kind)->perform(context);
    finding.lines = std::move(context.lines);
    if (!outputs.ok()) co_return std::move(outputs).error();
    succeeded(step, *std::move(outputs));
    auto captured = steps::captured_of(deployment_);
    if (!captured.ok()) co_return std::move(captured).error();
    captured_ = *std::move(captured);
    describe_live(finding);
    co_return ok();
  }

  void describe_live(StepFinding& finding) const {
    if (!captured_->function_exists) finding.lines.emplace_back("there is no function yet");
    if (captured_->alias)
      finding.lines.push_back(fmt::format("the alias {} points to version {} (\"{}\")",
                                          captured_->alias->name, captured_->alias->version,
                                          captured_->alias->description));
    const steps::Pins& pins = captured_->pins;
    if (!pins.role.empty())
      finding.lines.push_back(fmt::format("it has the role {}, {} MB, {} s and {} variables",
                                          pins.role, pins.memory_mb, pins.timeout_seconds,
                                          pins.environment.size()));
    if (captured_->reserved)
      finding.lines.push_back(fmt::format("{} of the account's concurrency is reserved for it{}",
                                          *captured_->reserved,
                                          *captured_->reserved == 0 ? ": nobody can call it" : ""));
    if (captured_->provisioned > 0)
      finding.lines.push_back(fmt::format("{} instances stand ready for {}", captured_->provisioned,
                                          captured_->provisioned_for));
  }

  Task<Result<void>> infrastructure(const PlanStep& step, StepFinding& finding) {
    if (!options_.plans_infrastructure) {
      finding.lines.emplace_back("not planned now");
      co_return ok();
    }
    PlanStep reading = step;
    reading.params.own()["rehearsal"] = true;  // without the lock, which would be a change
    ReadingContext context(*ports_.clock, deployment_, reading);
    auto planned = co_await library_.find(step.kind)->perform(context);
    if (!planned.ok()) co_return std::move(planned).error();
    const json::object& outputs = *planned;
    finding.lines.push_back(
        bool_or(outputs, "has_changes")
            ? fmt::format("{} to add, {} to change, {} to destroy", int_or(outputs, "to_add"),
                          int_or(outputs, "to_change"), int_or(outputs, "to_destroy"))
            : "no changes: it is not applied");
    co_return ok();
  }

  Task<Result<void>> image(const PlanStep& step, StepFinding& finding) {
    if (deployment_.step("build_image") != nullptr) {
      finding.lines.emplace_back("what is built then");
      co_return ok();
    }
    ReadingContext context(*ports_.clock, deployment_, step);
    auto there = co_await library_.find(step.kind)->observe(context);
    if (!there.ok()) co_return std::move(there).error();
    if (there->done) {
      image_ = *there->done;
      finding.lines.push_back(
          fmt::format("it is there already: {}", string_or(image_, "image_uri")));
      co_return ok();
    }
    const json::object& params = step.params;
    PAWL_CO_TRY(const auto source, ImageReference::parse(string_or(params, "source")));
    PAWL_CO_TRY(const auto digest, Digest::parse(string_or(params, "digest")));
    std::string platform = string_or(params, "platform");
    if (platform.empty() && captured_) platform = image_platform_of(captured_->latest.architecture);
    PAWL_CO_TRY(const auto found,
                co_await ports_.images->resolve(source.with_digest(digest), std::move(platform)));
    image_ = {{"digest", found.digest.str()}, {"platform_digest", found.platform_digest.str()}};
    finding.lines.push_back(fmt::format("{} ({}) is not there yet, and is copied",
                                        found.digest.short_form(), found.architecture));
    co_return ok();
  }

  std::string new_digest() const { return string_or(image_, "platform_digest"); }

  Result<void> code(StepFinding& finding) const {
    if (!captured_ || !captured_->function_exists) return ok();
    const std::string& now = captured_->latest.digest;
    if (new_digest().empty())
      finding.lines.push_back(fmt::format("it has {} now", short_digest(now)));
    else if (new_digest() == now)
      finding.lines.push_back(fmt::format("it has {} already", short_digest(now)));
    else
      finding.lines.push_back(
          fmt::format("{} -> {}", short_digest(now), short_digest(new_digest())));
    return ok();
  }

  Task<Result<void>> version(const PlanStep& step, StepFinding& finding) {
    if (!captured_ || !captured_->function_exists) co_return ok();
    PAWL_CO_TRY(const auto versions,
                co_await ports_.functions->list_versions(string_or(step.params, "function")));
    const bool is_unchanged = !versions.empty() && !new_digest().empty() &&
                              steps::digest_of(versions.back()) == new_digest() &&
                              captured_->latest.digest == new_digest();
    next_version_ = versions.empty() ? "1" : versions.back().version;
    if (is_unchanged) {
      finding.lines.push_back(fmt::format("unchanged: it is version {}", next_version_));
      co_return ok();
    }
    if (!versions.empty()) {
      const int newest = std::atoi(next_version_.c_str());
      next_version_ = std::to_string(newest + 1);
    }
    finding.lines.push_back(
        fmt::format("{} are published; the next is {} or later", versions.size(), next_version_));
    co_return ok();
  }

  Result<void> alias(const PlanStep& step, StepFinding& finding) const {
    if (!captured_) return ok();
    const std::string name = string_or(step.params, "alias");
    const std::string to = next_version_.empty() ? "the new version" : "version " + next_version_;
    if (!captured_->alias) {
      finding.lines.push_back(fmt::format("there is no alias {}: it is made, at {}", name, to));
      return ok();
    }
    std::string from = captured_->alias->version;
    for (const auto& [version, share] : captured_->alias->additional_weights)
      from += fmt::format(", {:.0f}% to {}", share * 100, version);
    const bool is_there = from == next_version_;
    finding.lines.push_back(is_there ? fmt::format("is at {} already", to)
                                     : fmt::format("version {} -> {}", from, to));
    return ok();
  }

  Task<Result<void>> earlier_release(const PlanStep& step, StepFinding& finding) {
    const std::string name = string_or(step.params, "function");
    const std::string version = string_or(step.params, "function_version");
    PAWL_CO_TRY(const auto versions, co_await ports_.functions->list_versions(name));
    const bool is_there = std::any_of(versions.begin(), versions.end(),
                                      [&](const auto& each) { return each.version == version; });
    finding.lines.push_back(is_there ? fmt::format("version {} is still there", version)
                                     : fmt::format("{} is given to it and published anew",
                                                   string_or(step.params, "image_uri")));
    co_return ok();
  }

  Task<Result<void>> files(const PlanStep& step, StepFinding& finding) {
    const json::object& params = step.params;
    auto rules = static_rules_from(params);
    PAWL_CO_TRY(auto manifest,
                co_await ports_.static_files->scan(string_or(params, "dir"), std::move(rules)));
    const StaticTarget target{string_or(params, "bucket"), string_or(params, "prefix")};
    const SyncOptions options;
    PAWL_CO_TRY(const auto plan,
                co_await plan_sync(*ports_.objects, target, std::move(manifest), options));
    finding.lines.push_back(
        fmt::format("{} of {} files are new or changed ({} bytes)", plan.upload_count(),
                    plan.upload_count() + static_cast<size_t>(plan.unchanged), plan.bytes));
    size_t shown = 0;
    for (const auto& group : plan.uploads)
      for (const auto& file : group)
        if (shown++ < kFilesShown) finding.lines.push_back("  " + file.path);
    if (shown > kFilesShown)
      finding.lines.push_back(fmt::format("  and {} more", shown - kFilesShown));
    co_return ok();
  }

  Task<Result<void>> address(const PlanStep& step, StepFinding& finding) {
    ReadingContext context(*ports_.clock, deployment_, step);
    auto found = co_await library_.find(step.kind)->perform(context);
    if (!found.ok()) co_return std::move(found).error();
    finding.lines.push_back(string_or(*found, "url"));
    co_return ok();
  }

  Result<void> health(StepFinding& finding) const {
    if (captured_ && captured_->health_before.asked)
      finding.lines.push_back("now: " + captured_->health_before.result);
    return ok();
  }

  Result<void> hook(const PlanStep& step, StepFinding& finding) const {
    const std::string ran_in = string_or(step.params, "ran_in");
    const HookSettings settings = hook_from_json(step.params);
    if (!ran_in.empty())
      finding.lines.push_back(fmt::format("not called: it ran for this release in {}", ran_in));
    else
      finding.lines.push_back(fmt::format("with {}, for at most {}",
                                          redact(json::serialize(settings.payload)),
                                          format_duration(settings.timeout)));
    return ok();
  }

  Task<Result<void>> old_versions(const PlanStep& step, StepFinding& finding) {
    const json::object& params = step.params;
    const std::string function = string_or(params, "function");
    PAWL_CO_TRY(const auto listed, co_await ports_.functions->list_versions(function));
    PAWL_CO_TRY(const auto aliases, co_await ports_.function_versions->list_aliases(function));
    std::set<std::string> in_use;
    if (captured_) in_use.insert(captured_->live.function_version);
    if (const json::value* named = params.if_contains("in_use"); named && named->is_array())
      for (const auto& version : named->get_array())
        if (version.is_string()) in_use.emplace(version.get_string());
    for (const AliasState& one : aliases) {
      in_use.insert(one.version);
      for (const auto& [version, share] : one.additional_weights) in_use.insert(version);
    }
    std::vector<std::string> versions;
    for (const auto& each : listed) versions.push_back(each.version);
    // The one that is published then is among the newest.
    if (!next_version_.empty()) versions.push_back(next_version_);
    const auto gone =
        versions_to_delete(versions, static_cast<int>(int_or(params, "keep")), in_use);
    finding.lines.push_back(gone.empty() ? std::string("none is old enough")
                                         : fmt::format("{}", fmt::join(gone, ", ")));
    co_return ok();
  }

  StepPorts ports_;
  StepLibrary& library_;
  RehearsalOptions options_;
  Deployment deployment_;
  std::optional<steps::Captured> captured_;
  json::object image_;
  std::string next_version_;
};

}  // namespace

Task<std::vector<StepFinding>> rehearse(StepPorts ports, StepLibrary& library, Plan plan,
                                        RehearsalOptions options) {
  Rehearsal rehearsal(ports, library, std::move(plan), std::move(options));
  co_return co_await rehearsal.run();
}

json::array to_json(const std::vector<StepFinding>& findings) {
  json::array all;
  for (const StepFinding& finding : findings) {
    json::array lines;
    for (const auto& line : finding.lines) lines.push_back(json::string(line));
    json::object one{{"step", finding.step}, {"found", std::move(lines)}};
    if (!finding.error.empty()) one["error"] = finding.error;
    if (!finding.hint.empty()) one["hint"] = finding.hint;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace pawl
