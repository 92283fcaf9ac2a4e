#include "cli/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/log.h"
#include "core/hooks.h"
#include "core/terraform_outputs.h"
#include "engine/queries.h"
#include "github/changes.h"

namespace pawl {
namespace {

// A tag that this machine does not have: in a shallow clone, or without a work tree.
Task<Result<std::string>> commit_of_tag(Session& session, std::string repository, std::string tag) {
  if (session.github() == nullptr) co_return std::string();
  PAWL_CO_TRY(const auto tags, co_await read_tags(*session.github(), repository));
  for (const auto& wanted : {tag, "v" + tag})
    for (const auto& each : tags)
      if (each.name == wanted) co_return each.sha;
  co_return std::string();
}

// What GitHub cannot tell is not known, as without it: the image may be there all the same.
Task<void> ask_github_for_tag(Session& session, const std::string& repository,
                              const Trigger& trigger, Facts& facts) {
  if (trigger.tag.empty() || !facts.tag_sha.empty()) co_return;
  const auto sha = co_await commit_of_tag(session, repository, trigger.tag);
  if (sha.ok())
    facts.tag_sha = *sha;
  else
    log_debug("GitHub does not tell the commit of {}: {}", trigger.tag, sha.error().message());
}

Task<Result<void>> read_git(Session& session, Trigger& trigger, Facts& facts, PlanFacts& plan,
                            bool* is_shallow) {
  auto state = co_await session.source().state();
  if (!state.ok() && state.error().kind() == ErrorKind::not_found) {
    // Without a work tree a tag given by hand can still be deployed when its image exists.
    if (trigger.sha.empty() && trigger.tag.empty())
      co_return std::move(state).error().with_hint(
          "run pawl in the application's git work tree, or name what to deploy with --tag");
    co_return ok();
  }
  if (!state.ok()) co_return std::move(state).error();
  const bool asked_for_head = trigger.sha.empty() || trigger.sha == state->sha;
  if (trigger.sha.empty()) trigger.sha = state->sha;
  if (trigger.branch.empty()) trigger.branch = state->branch;
  facts.newest_tag = state->newest_tag;
  facts.newest_tag_sha = state->newest_tag_sha;
  *is_shallow = state->is_shallow;
  plan.git_remote_url = state->remote_url;
  if (!trigger.tag.empty()) {
    PAWL_CO_TRY(auto commit, co_await session.source().commit_of("refs/tags/" + trigger.tag));
    if (!commit && trigger.tag.rfind('v', 0) != 0) {
      PAWL_CO_TRY(commit, co_await session.source().commit_of("refs/tags/v" + trigger.tag));
    }
    facts.tag_sha = commit.value_or("");
  }
  // What is built is the work tree, so only the commit that is checked out can be.
  facts.can_build = asked_for_head && !state->is_dirty;
  co_return ok();
}

Task<Result<void>> read_journal(Session& session, const DeployQuestion& question,
                                const Trigger& trigger, Facts& facts) {
  const auto& environment = question.environment;
  PAWL_CO_TRY(auto beside,
              co_await compare_with_live(session.store(), session.source(), question.config.app,
                                         environment.name, trigger.sha));
  facts.live_sha = std::move(beside.live_sha);
  facts.is_older_than_live = beside.is_older;
  if (!environment.promote_from.empty()) {
    PAWL_CO_TRY(auto verified, co_await live_deployment(session.store(), question.config.app,
                                                        environment.promote_from));
    if (verified) facts.verified_in_promote_from = verified->release.version;
  }
  co_return ok();
}

Task<Result<void>> read_registry(Session& session, const EnvironmentConfig& environment,
                                 const std::string& tag, Facts& facts, PlanFacts& plan) {
  PAWL_CO_TRY(auto name, ImageReference::parse(environment.image.source));
  const ImageReference image = name.with_tag(tag);
  const std::string platform = environment.image.build ? environment.image.build->platform : "";
  auto found = co_await session.ports().images->resolve(image, platform);
  if (found.ok()) {
    PAWL_CO_CHECK(check_lambda_image(found->facts(), "", image.str()));
    facts.image_exists = true;
    plan.source_digest = found->digest.str();
  } else if (found.error().kind() == ErrorKind::not_found) {
    facts.image_exists = false;
  } else {
    co_return std::move(found).error().while_doing("looking for the image " + image.str());
  }
  co_return ok();
}

// Nobody has seen a word of the deployment yet: a silent registry is not tried for as long as in a
// copy.
Task<Result<void>> read_registry_in_time(Session& session, const EnvironmentConfig& environment,
                                         const std::string& tag, Facts& facts, PlanFacts& plan) {
  constexpr std::chrono::milliseconds kLookWithin{90'000};
  const auto limit = std::min(kLookWithin, environment.policy.step_limit);
  auto read = co_await with_timeout(session.loop().clock(), limit,
                                    read_registry(session, environment, tag, facts, plan));
  if (read.ok() || !read.error().hint().empty()) co_return read;
  co_return std::move(read).error().with_hint("pawl doctor " + environment.name +
                                              " says what can be reached and what cannot");
}

// A tag that nobody named hides what was committed since.
Task<std::string> remark_on_newer_commits(Session& session, const DeployQuestion& question,
                                          const Trigger& trigger, const Facts& facts) {
  const bool is_by_tag = trigger.kind == TriggerKind::manual && trigger.tag.empty() &&
                         !question.environment.tag_required && !facts.newest_tag_sha.empty();
  if (!is_by_tag || trigger.sha == facts.newest_tag_sha) co_return std::string();
  const auto count = co_await session.count_commits(facts.newest_tag_sha, trigger.sha);
  if (!count.ok()) co_return std::string();  // of a clone that was cut: nothing hangs on it
  co_return words_on_newer_commits(*count, trigger.sha);
}

// What a person says of a hook counts more than what the record does not know.
Task<Result<void>> read_hook_runs(Session& session, const DeployQuestion& question,
                                  ReleaseName release, PlanFacts& known) {
  const EnvironmentConfig& environment = question.environment;
  if (environment.hooks.empty()) co_return ok();
  PAWL_CO_TRY(known.hook_runs,
              co_await find_hook_runs(session.store(), question.config.app, environment.name,
                                      std::move(release), known.source_digest));
  for (const auto& [name, has_run] : question.hooks_ran) {
    if (has_run)
      known.hook_runs[name] = {fmt::format("a time that {} knows of", question.trigger.actor),
                               true};
    else
      known.hook_runs.erase(name);
  }
  co_return check_hook_runs(environment, known);
}

// On the alias, or on the version that it points to; nothing where there is no such function yet.
Task<Result<void>> read_provisioned(Session& session, FunctionSettings function, PlanFacts& known) {
  if (function.alias.empty() || session.ports().concurrency == nullptr) co_return ok();
  PAWL_CO_TRY(const auto alias,
              co_await session.ports().functions->get_alias(function.name, function.alias));
  if (!alias) co_return ok();
  const std::vector<std::string> qualifiers = {function.alias, alias->version};
  for (const std::string& qualifier : qualifiers) {
    PAWL_CO_TRY(const auto found,
                co_await session.ports().concurrency->provisioned(function.name, qualifier));
    if (!found || found->requested == 0) continue;
    known.provisioned = found->requested;
    known.provisioned_for = qualifier;
    break;
  }
  co_return ok();
}

// What a rollback would go back to after this deployment, and what those in line go back to.
Task<Result<void>> read_versions_in_use(Session& session, const DeployQuestion& question,
                                        PlanFacts& known) {
  const EnvironmentConfig& environment = question.environment;
  if (environment.function.keep_versions == 0) co_return ok();
  PAWL_CO_TRY(known.versions_in_use,
              co_await versions_in_use(session.store(), question.config.app, environment.name));
  co_return ok();
}

}  // namespace

Task<Result<std::string>> find_newest_tag(GitHubClient* github, std::string repository,
                                          Trigger trigger, Facts& facts) {
  const bool is_wanted = trigger.kind == TriggerKind::manual && trigger.tag.empty();
  if (!is_wanted || !facts.newest_tag.empty() || trigger.sha.empty()) co_return std::string();
  const std::string here = "this clone is shallow and has no version tag";
  if (github == nullptr)
    co_return fmt::format("{} (git fetch --tags --unshallow brings what there is)", here);
  auto found = co_await newest_tag_at(*github, std::move(repository), trigger.sha);
  const bool is_kept_from_us = !found.ok() && (found.error().kind() == ErrorKind::denied ||
                                               found.error().kind() == ErrorKind::not_found);
  if (is_kept_from_us)
    co_return fmt::format("{}, and GitHub does not tell: {}", here, found.error().message());
  if (!found.ok())
    co_return std::move(found)
        .error()
        .while_doing(fmt::format("asking GitHub for the newest tag, since {}", here))
        .with_hint(
            "name what to deploy with --tag, or have the tags here: git fetch --tags "
            "--unshallow (in GitHub Actions, fetch-depth: 0)");
  if (!*found) co_return fmt::format("{}, and GitHub knows none for this commit", here);
  facts.newest_tag = (*found)->name;
  facts.newest_tag_sha = (*found)->sha;
  co_return fmt::format("GitHub was asked for the tag, since {}", here);
}

std::string words_on_newer_commits(int64_t count, const std::string& sha) {
  if (count <= 0) return "";
  return fmt::format(
      "{} newer commit{} up to {} {} not in it (tag the newest one, or deploy it with --tag {})",
      count, count == 1 ? "" : "s", short_sha(sha), count == 1 ? "is" : "are", short_sha(sha));
}

void heed_named_commit(const std::string& named, Facts& facts) {
  if (named.empty() || facts.newest_tag_sha.rfind(named, 0) == 0) return;
  facts.newest_tag.clear();
  facts.newest_tag_sha.clear();
}

Task<Result<Assessment>> assess(Session& session, DeployQuestion question) {
  Assessment result;
  result.trigger = question.trigger;
  result.facts.now = session.loop().clock().now();
  for (const auto& window : question.environment.freeze) {
    PAWL_CO_TRY(auto offset, utc_offset_minutes(window.zone, result.facts.now));
    result.facts.utc_offset_minutes[window.zone] = offset;
  }
  bool is_shallow = false;
  PAWL_CO_CHECK(
      co_await read_git(session, result.trigger, result.facts, result.plan_facts, &is_shallow));
  const std::string& named_commit = question.trigger.sha;
  if (!question.environment.tag_required) heed_named_commit(named_commit, result.facts);
  std::string remark;  // on the tag
  if (is_shallow && !question.environment.tag_required && named_commit.empty()) {
    PAWL_CO_TRY(remark, co_await find_newest_tag(session.github(), question.config.repository,
                                                 result.trigger, result.facts));
  }
  const std::string newer =
      co_await remark_on_newer_commits(session, question, result.trigger, result.facts);
  if (!newer.empty()) remark += (remark.empty() ? "" : "; ") + newer;
  co_await ask_github_for_tag(session, question.config.repository, result.trigger, result.facts);
  result.facts.can_build = result.facts.can_build && question.environment.image.can_be_made();
  result.plan_facts.on_main_branch = result.trigger.branch == question.config.main_branch;
  PAWL_CO_CHECK(co_await read_journal(session, question, result.trigger, result.facts));
  result.plan_facts.live_sha = result.facts.live_sha;
  const ReleaseName name = name_release(question.environment, result.trigger, result.facts);
  if (is_valid_image_tag(name.image_tag)) {
    PAWL_CO_CHECK(co_await read_registry_in_time(session, question.environment, name.image_tag,
                                                 result.facts, result.plan_facts));
  }
  result.decision = validate(question.config, question.environment, result.trigger, result.facts);
  if (!remark.empty()) result.decision.reason += "; " + remark;
  co_return result;
}

Task<Result<json::object>> outputs_before(Session& session, const EnvironmentConfig& environment) {
  Infrastructure* infrastructure = session.ports().infrastructure;
  if (!environment.terraform || infrastructure == nullptr || !names_output(environment))
    co_return json::object{};
  InfrastructureRequest request;
  request.settings = *environment.terraform;
  request.environment = environment.name;
  request.region = environment.region;
  PAWL_CO_TRY(const auto caller, co_await session.ports().identity->caller());
  request.account_id = caller.account;
  auto outputs = co_await infrastructure->outputs(std::move(request));
  if (!outputs.ok())
    co_return std::move(outputs).error().while_doing("reading Terraform's outputs as they are now");
  co_return outputs;
}

Task<Result<PlanFacts>> plan_facts(Session& session, const DeployQuestion& question,
                                   const ReleaseName& release, PlanFacts known) {
  const EnvironmentConfig& environment = question.environment;
  PAWL_CO_TRY(known.terraform_outputs, co_await outputs_before(session, environment));
  // What Terraform names may get another name in this very deployment.
  const bool is_named_later = names_output(environment.function.repository);
  Result<std::string> uri = Error(ErrorKind::not_found, "Terraform names it");
  if (!is_named_later)
    uri = co_await session.ports().repositories->find_uri(environment.function.repository);
  if (uri.ok()) {
    known.repository_exists = true;
    known.repository_uri = *uri;
  } else if (uri.error().kind() == ErrorKind::not_found && environment.terraform) {
    known.repository_exists = false;  // Terraform makes it
  } else {
    co_return std::move(uri).error();
  }
  if (environment.static_files && names_output(environment.static_files->bucket)) {
    known.bucket_exists = false;
  } else if (environment.terraform && environment.static_files) {
    auto bucket = co_await session.ports().objects->check_bucket(environment.static_files->bucket);
    // Terraform may make it, or give the right to use it: then the upload comes after.
    const bool is_terraforms = !bucket.ok() && (bucket.error().kind() == ErrorKind::not_found ||
                                                bucket.error().kind() == ErrorKind::denied);
    if (!bucket.ok() && !is_terraforms) co_return std::move(bucket).error();
    known.bucket_exists = bucket.ok();
  }
  PAWL_CO_CHECK(co_await read_hook_runs(session, question, release, known));
  PAWL_CO_CHECK(co_await read_provisioned(session, environment.function, known));
  PAWL_CO_CHECK(co_await read_versions_in_use(session, question, known));
  co_return known;
}

Result<int> utc_offset_minutes(const std::string& zone, WallTime at) {
  std::error_code failure;
  const bool is_plain = zone.find("..") == std::string::npos && zone.rfind('/', 0) != 0;
  if (zone == "UTC") return 0;
  if (!is_plain || !std::filesystem::exists("/usr/share/zoneinfo/" + zone, failure))
    return Error(ErrorKind::not_found, fmt::format("the time zone '{}' is not known here", zone))
        .with_hint("install the package tzdata, or correct the zone in `freeze`");
  const char* before = std::getenv("TZ");
  const std::string saved = before != nullptr ? before : "";
  setenv("TZ", zone.c_str(), 1);
  tzset();
  const auto seconds = static_cast<std::time_t>(at.unix_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  if (before != nullptr) {
    setenv("TZ", saved.c_str(), 1);
  } else {
    unsetenv("TZ");
  }
  tzset();
  return static_cast<int>(local.tm_gmtoff / 60);
}

}  // namespace pawl
