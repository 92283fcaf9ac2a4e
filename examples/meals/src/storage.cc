#include "storage.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace meals {
namespace {

// In order; the schema's version is how many of them have been run.
const std::vector<std::string> kMigrations = {"0001_create_meals", "0002_add_vegetarian"};

// How many reports are kept for calls that come again; the oldest goes first.
constexpr size_t kMaxReports = 100;

// Through a second file and a rename, so that a reader never sees half of it.
bool write_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  std::FILE* file = std::fopen(draft.c_str(), "wb");
  if (!file) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  return written && closed && std::rename(draft.c_str(), path.c_str()) == 0;
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) return std::nullopt;
  std::string text;
  char chunk[4096];
  size_t got;
  while ((got = std::fread(chunk, 1, sizeof chunk, file)) > 0) text.append(chunk, got);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return std::nullopt;
  return text;
}

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

Storage::Storage(std::string data_dir, std::string state_dir)
    : data_dir_(std::move(data_dir)), state_dir_(std::move(state_dir)) {}

Storage Storage::from_environment() {
  return Storage(environment("MEALS_DATA", "data"), environment("MEALS_STATE", "/tmp/meals"));
}

std::optional<Json> Storage::meals() const {
  const auto text = read_file(data_dir_ + "/meals.json");
  if (!text) return std::nullopt;
  auto meals = Json::parse(*text);
  if (!meals || !meals->is_array()) return std::nullopt;
  return meals;
}

std::optional<Json> Storage::migrate(const std::string& idempotency_key) {
  const std::string path = state_dir_ + "/schema.json";
  const Json state = Json::parse(read_file(path).value_or("")).value_or(Json());

  const Json& earlier = state["reports"][idempotency_key];
  if (!idempotency_key.empty() && earlier.is_object()) {
    std::printf("migrations: done before with the key %s\n", idempotency_key.c_str());
    return earlier;
  }

  Json::Array applied;
  for (size_t i = static_cast<size_t>(state["schema_version"].number()); i < kMigrations.size();
       ++i) {
    applied.push_back(kMigrations[i]);
  }
  const int version = static_cast<int>(kMigrations.size());
  Json report = Json::Object{{"status", "ok"},
                             {"operation", "run_migrations"},
                             {"schema_version", version},
                             {"applied", std::move(applied)}};

  Json::Object reports = state["reports"].object();
  if (!idempotency_key.empty()) reports.emplace_back(idempotency_key, report);
  if (reports.size() > kMaxReports) reports.erase(reports.begin());
  const Json next = Json::Object{{"schema_version", version}, {"reports", std::move(reports)}};

  ::mkdir(state_dir_.c_str(), 0700);
  if (!write_file(path, next.dump() + "\n")) return std::nullopt;
  for (const Json& name : report["applied"].array())
    std::printf("migrations: %s\n", name.string().c_str());
  std::printf("migrations: the schema is at version %d\n", version);
  return report;
}

}  // namespace meals
