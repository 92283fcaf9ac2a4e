#include "store/postgres.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "store/postgres_connect.h"
#include "store/postgres_errors.h"

namespace pawl::postgres {
namespace {

constexpr int kOldestServer = 120'000;

// A role's defaults may be anything. Commits are only made safer by this, never less so: what was
// set to wait for a replica still does. The server gives up a statement before we give up on it
// (postgres_client.cc), and a transaction whose client has gone soon after.
constexpr const char* kSettings = R"sql(
SELECT
  set_config('synchronous_commit',
             CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
                  THEN 'on' ELSE current_setting('synchronous_commit') END, false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('default_transaction_read_only', 'off', false),
  set_config('statement_timeout', '9s', false),
  set_config('lock_timeout', '8s', false),
  set_config('idle_in_transaction_session_timeout', '15s', false),
  set_config('tcp_keepalives_idle', '10', false),
  set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false),
  set_config('bytea_output', 'hex', false)
)sql";

void ignore_notice(void*, const PGresult*) {}

int hex_digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

}  // namespace

Query& Query::bind(std::string_view text) {
  values_.push_back({std::string(text), false});
  return *this;
}

Query& Query::bind_bytes(std::string_view bytes) {
  values_.push_back({std::string(bytes), true});
  return *this;
}

std::string Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

int64_t Rows::number(int row, int column) const {
  return std::strtoll(PQgetvalue(result_.get(), row, column), nullptr, 10);
}

std::string Rows::bytes(int row, int column) const {
  const std::string hex = text(row, column);  // \x48616c6c6f
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 2; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
  return bytes;
}

Connection::Connection(Loop& loop, const Address& address, PGconn* handle)
    : address_(address),
      handle_(handle),
      socket_(loop, ::fcntl(PQsocket(handle), F_DUPFD_CLOEXEC, 0)) {
  PQsetnonblocking(handle, 1);
  PQsetNoticeReceiver(handle, ignore_notice, nullptr);
}

Task<Result<std::unique_ptr<Connection>>> Connection::open(Loop& loop, const Address& address) {
  PAWL_CO_TRY(PGconn * handle, co_await connect(loop, address));
  std::unique_ptr<Connection> connection(new Connection(loop, address, handle));
  if (connection->server_version() < kOldestServer)
    co_return Error(ErrorKind::config, fmt::format("the server of {} is older than PostgreSQL {}",
                                                   address.name(), kOldestServer / 10'000));
  Query settings(kSettings);
  PAWL_CO_CHECK(co_await connection->run(std::move(settings)));
  co_return connection;
}

Error Connection::lost(std::string_view words) {
  is_lost_ = true;
  return connection_lost(address_, words);
}

Error Connection::error_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) return lost();
  const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (ends_connection(state)) return lost(words);
  return refused(address_, state, words);
}

Result<void> Connection::send(const Query& query) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const auto& value : query.values_) {
    values.push_back(value.bytes.c_str());
    lengths.push_back(static_cast<int>(value.bytes.size()));
    formats.push_back(value.is_binary ? 1 : 0);
  }
  const int count = static_cast<int>(values.size());
  if (PQsendQueryParams(handle_.get(), query.sql_.c_str(), count, nullptr, values.data(),
                        lengths.data(), formats.data(), 0) != 1)
    return lost();
  return ok();
}

// What arrives is read meanwhile: a server whose answers nobody takes reads no more questions.
Task<Result<void>> Connection::flush() {
  for (;;) {
    const int left = PQflush(handle_.get());
    if (left == 0) co_return ok();
    if (left < 0) co_return lost();
    PAWL_CO_CHECK(co_await socket_.readable_or_writable());
    if (PQconsumeInput(handle_.get()) != 1) co_return lost();
  }
}

// A null pointer ends the results of one query.
Task<Result<PGresult*>> Connection::next_result() {
  while (PQisBusy(handle_.get()) == 1) {
    PAWL_CO_CHECK(co_await socket_.readable());
    if (PQconsumeInput(handle_.get()) != 1) co_return lost();
  }
  co_return PQgetResult(handle_.get());
}

Task<Result<std::vector<Rows>>> Connection::run(std::vector<Query> queries) {
  if (is_lost_) co_return lost("it is closed");
  is_lost_ = true;  // until all answers were read
  if (PQenterPipelineMode(handle_.get()) != 1) co_return lost();
  for (const Query& query : queries) PAWL_CO_CHECK(send(query));
  if (PQpipelineSync(handle_.get()) != 1) co_return lost();
  PAWL_CO_CHECK(co_await flush());
  co_return co_await read_pipeline(queries.size());
}

Task<Result<std::vector<Rows>>> Connection::read_pipeline(size_t count) {
  std::vector<Rows> answers;
  std::optional<Error> refusal;
  for (;;) {
    PAWL_CO_TRY(PGresult* const raw, co_await next_result());
    if (raw == nullptr) {
      if (PQstatus(handle_.get()) != CONNECTION_OK) break;
      continue;
    }
    Rows rows(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_PIPELINE_SYNC) {
      if (PQexitPipelineMode(handle_.get()) != 1) break;
      is_lost_ = false;
      if (refusal) co_return *refusal;
      PAWL_ASSERT(answers.size() == count);
      co_return answers;
    }
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      answers.push_back(std::move(rows));
    } else if (!refusal && status != PGRES_PIPELINE_ABORTED) {
      refusal = error_of(raw);
    }
  }
  if (refusal) co_return *refusal;
  co_return lost();
}

Task<Result<Rows>> Connection::run(Query query) {
  std::vector<Query> queries;
  queries.push_back(std::move(query));
  PAWL_CO_TRY(auto answers, co_await run(std::move(queries)));
  co_return std::move(answers.front());
}

Task<Result<void>> Connection::script(std::string sql) {
  if (is_lost_) co_return lost("it is closed");
  is_lost_ = true;
  if (PQsendQuery(handle_.get(), sql.c_str()) != 1) co_return lost();
  PAWL_CO_CHECK(co_await flush());
  std::optional<Error> refusal;
  for (;;) {
    PAWL_CO_TRY(PGresult* const raw, co_await next_result());
    if (raw == nullptr) break;
    const Rows rows(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && !refusal)
      refusal = error_of(raw);
  }
  // A lost connection is the one refusal without a code.
  if (PQstatus(handle_.get()) == CONNECTION_OK && !(refusal && refusal->code().empty()))
    is_lost_ = false;
  if (refusal) co_return *refusal;
  if (is_lost_) co_return lost();
  co_return ok();
}

Task<Result<bool>> Connection::wait_for_notification(const std::string& ours) {
  if (is_lost_) co_return lost("it is closed");
  bool is_foreign = false;
  for (;;) {
    while (PGnotify* raw = PQnotifies(handle_.get())) {
      const std::unique_ptr<PGnotify, decltype(&PQfreemem)> notification(raw, &PQfreemem);
      is_foreign = is_foreign || notification->extra != ours;
    }
    if (is_foreign) co_return true;
    PAWL_CO_CHECK(co_await socket_.readable());
    if (PQconsumeInput(handle_.get()) != 1) co_return lost();
  }
}

}  // namespace pawl::postgres
