#include "store/sqlite.h"

#include <fmt/format.h>

namespace pawl::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr int kWalTries = 100;
constexpr int kWalPauseMs = 20;

Error full(const std::string& path) {
  return Error(ErrorKind::storage,
               fmt::format("there is no room left on the disk to write {}", path))
      .with_hint(
          "nothing was lost: what was recorded before stays as it is. Make room and run the "
          "command again; it goes on where it stopped");
}

Error damaged(const std::string& path, std::string_view detail) {
  return Error(ErrorKind::corrupt, fmt::format("the journal {} is damaged ({})", path, detail))
      .with_hint(fmt::format(
          "restore it from a backup, or move it away (mv {0} {0}.damaged) to begin a new one: what "
          "is live is read from the target itself, only the history is lost",
          path));
}

Error cannot_write(const std::string& path, std::string_view detail) {
  return Error(ErrorKind::storage, fmt::format("cannot write the journal {}: {}", path, detail))
      .with_hint(
          "nothing was lost: what was recorded before stays as it is. Check the disk and the "
          "file's permissions, then run the command again");
}

// Switching to WAL needs the file alone for a moment, and SQLite does not always wait for that by
// itself: two processes that make the file at the same time meet here.
Result<void> use_wal(Database& database) {
  int code = SQLITE_BUSY;
  for (int tries = 0; code == SQLITE_BUSY && tries < kWalTries; ++tries) {
    if (tries > 0) sqlite3_sleep(kWalPauseMs);
    code = sqlite3_exec(database.handle(), "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
  }
  if (code != SQLITE_OK) return database.error(code);
  return ok();
}

}  // namespace

Statement& Statement::bind(std::string_view text) {
  // An empty view may hold a null pointer, which SQLite takes for NULL.
  const char* bytes = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), next_++, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int64_t number) {
  sqlite3_bind_int64(statement_.get(), next_++, number);
  return *this;
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  next_ = 1;
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  if (bytes == nullptr) return {};
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

Result<Database> Database::open(const std::string& path, Sync sync) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle, path);
  if (opened != SQLITE_OK) return database.error(opened);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  PAWL_CHECK(use_wal(database));
  PAWL_CHECK(database.execute(sync == Sync::full ? "PRAGMA synchronous=FULL"
                                                 : "PRAGMA synchronous=NORMAL"));
  PAWL_CHECK(database.execute("PRAGMA foreign_keys=ON"));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(statement);
}

Result<void> Database::run(Statement& statement) {
  const int code = statement.step();
  if (code != SQLITE_DONE && code != SQLITE_ROW) return error(code);
  return ok();
}

Result<bool> Database::next(Statement& statement) {
  const int code = statement.step();
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error(code);
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return ok();
}

Result<int64_t> Database::number(std::string_view sql) {
  PAWL_TRY(auto statement, prepare(sql));
  PAWL_TRY(bool found, next(statement));
  return found ? statement.number(0) : 0;
}

Error Database::error(int code) const {
  const std::string detail = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return full(path_);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return damaged(path_, detail);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorKind::storage,
                   fmt::format("another process holds the journal {} for longer than {} s", path_,
                               kBusyTimeoutMs / 1000))
          .with_hint("see who uses it (fuser), and run the command again");
    case SQLITE_IOERR:
      // A file that may not grow (a quota, a limit of the process) shows as a failed write.
      if (code == SQLITE_IOERR_WRITE) return full(path_);
      return cannot_write(path_, detail);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return cannot_write(path_, detail);
    default:
      return Error(ErrorKind::storage, fmt::format("the journal {}: {}", path_, detail));
  }
}

Result<Transaction> Transaction::begin(Database& database) {
  PAWL_CHECK(database.execute("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  // SQLite may have rolled it back by itself (a full disk); then this says so, and does no harm.
  if (database_ != nullptr)
    sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
  PAWL_CHECK(database_->execute("COMMIT"));
  database_ = nullptr;
  return ok();
}

}  // namespace pawl::sqlite
