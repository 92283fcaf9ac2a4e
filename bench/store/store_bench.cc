// Times the two stores side by side: an append, a claim among many deployments, and how long a
// change takes to reach another process that waits for it. bench/store/run starts it.
//
//   store_bench FOLDER URL        a folder for the file, an empty database for the server
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/loop.h"
#include "store/postgres.h"
#include "store/postgres_store.h"
#include "store/sqlite.h"
#include "store/sqlite_store.h"

namespace pawl {
namespace {

constexpr int kAppends = 400;
constexpr int kClaims = 40;
constexpr int kWakes = 60;
constexpr std::chrono::milliseconds kHour{3'600'000};

struct Kind {
  const char* name;
  std::unique_ptr<Store> (*open)(Loop& loop, const std::string& place);
  std::string place;
};

std::unique_ptr<Store> open_file(Loop&, const std::string& place) {
  return make_sqlite_store(place).value();
}
std::unique_ptr<Store> open_database(Loop& loop, const std::string& place) {
  return loop.run(open_postgres_store(loop, place)).value();
}

// The same clock in every process of this machine.
double now_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(since).count();
}

struct Figures {
  double median;
  double p95;
};
Figures figures_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values[values.size() * 95 / 100]};
}
void print(const char* what, const char* name, std::vector<double> values) {
  const Figures figures = figures_of(std::move(values));
  fmt::print("{:<34} {:<10} median {:8.2f} ms   p95 {:8.2f} ms\n", what, name, figures.median,
             figures.p95);
}

Event event(const std::string& id, uint64_t sequence, EventType type) {
  Event made{id, sequence, WallTime{1}, 0, type, "", {}};
  if (type == EventType::accepted)
    made.data = {{"app", "bench"}, {"environment", "dev"}};
  else
    made.data = {{"text", std::string(200, 'x')}};
  return made;
}

// In turn, so that whatever else the machine does hits both.
void time_appends(const std::vector<Kind>& kinds) {
  Loop loop;
  std::vector<std::unique_ptr<Store>> stores;
  for (const Kind& kind : kinds) stores.push_back(kind.open(loop, kind.place));
  std::vector<std::vector<double>> taken(kinds.size());
  for (uint64_t sequence = 1; sequence <= kAppends; ++sequence)
    for (size_t i = 0; i < stores.size(); ++i) {
      const EventType type = sequence == 1 ? EventType::accepted : EventType::notified;
      std::vector<Event> events = {event("d-append", sequence, type)};
      const double begin = now_ms();
      loop.run(stores[i]->append(std::move(events))).value();
      taken[i].push_back(now_ms() - begin);
    }
  for (size_t i = 0; i < kinds.size(); ++i) print("append of one event", kinds[i].name, taken[i]);
}

constexpr const char* kManyInFile = R"sql(
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
INSERT INTO deployments (id, app, environment, begun)
SELECT 'd-' || i, 'many', 'at-' || i, 1 FROM n;
)sql";
constexpr const char* kManyOnServer = R"sql(
INSERT INTO pawl_deployments (id, app, environment, begun)
SELECT 'd-' || i, 'many', 'at-' || i, true FROM generate_series(1, 10000) AS i;
ANALYZE;
)sql";

void time_claims(const std::vector<Kind>& kinds) {
  Loop loop;
  auto file = sqlite::Database::open(kinds[0].place, sqlite::Sync::full).value();
  file.execute(kManyInFile).value();
  const auto address = postgres::Address::parse(kinds[1].place).value();
  auto connection = loop.run(postgres::Connection::open(loop, address)).value();
  loop.run(connection->script(kManyOnServer)).value();
  for (const Kind& kind : kinds) {
    const auto store = kind.open(loop, kind.place);
    std::vector<double> taken;
    for (int i = 0; i < kClaims; ++i) {
      const double begin = now_ms();
      const auto claimed = loop.run(store->claim("many", "bench", 10, WallTime{1}, kHour));
      taken.push_back(now_ms() - begin);
      if (claimed->size() != 10) std::abort();
    }
    print("claim of 10 among 10,000", kind.name, std::move(taken));
  }
}

// The child says when it woke; the parent knows when it began to change something.
void time_wakes(const Kind& kind) {
  int woke[2];
  if (::pipe(woke) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    Loop loop;
    const auto store = kind.open(loop, kind.place);
    for (int i = 0; i < kWakes + 1; ++i) {
      loop.run(store->wait_for_change(loop.clock(), kHour)).value();
      const double at = now_ms();
      if (::write(woke[1], &at, sizeof(at)) != sizeof(at)) ::_exit(1);
    }
    ::_exit(0);
  }
  const auto read_one = [&] {
    double at = 0;
    if (::read(woke[0], &at, sizeof(at)) != sizeof(at)) std::abort();
    return at;
  };
  read_one();  // it listens now
  Loop loop;
  const auto store = kind.open(loop, kind.place);
  std::vector<double> from_call;
  for (int i = 0; i < kWakes; ++i) {
    ::usleep(20'000 + 1'000 * static_cast<unsigned>(i % 13));
    std::vector<Event> events = {event(fmt::format("d-wake-{}", i), 1, EventType::accepted)};
    const double begin = now_ms();
    loop.run(store->append(std::move(events))).value();
    from_call.push_back(read_one() - begin);
  }
  ::waitpid(child, nullptr, 0);
  print("append until another process wakes", kind.name, std::move(from_call));
}

}  // namespace
}  // namespace pawl

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::vector<pawl::Kind> kinds = {
      {"SQLite", pawl::open_file, std::string(argv[1]) + "/journal.db"},
      {"PostgreSQL", pawl::open_database, argv[2]}};
  for (const auto& kind : kinds) pawl::time_wakes(kind);
  pawl::time_appends(kinds);
  pawl::time_claims(kinds);
  return 0;
}
