// A thin layer over the SQLite C interface: a connection and statements that clean up after
// themselves, and errors that say what happened to the file and what to do. Not for use outside
// this folder.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pawl::sqlite {

/// A prepared statement. Bind from 1, then step; columns are from 0.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement& bind(std::string_view text);
  Statement& bind(int64_t number);
  Statement& bind(uint64_t number) { return bind(static_cast<int64_t>(number)); }
  /// SQLITE_ROW, SQLITE_DONE or an error code.
  int step() { return sqlite3_step(statement_.get()); }
  void reset();
  std::string text(int column) const;
  int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int next_ = 1;
};

enum class Sync {
  full,    // a commit that returned has reached the disk
  normal,  // a commit may be lost in a power cut, not in a crash of the process
};

class Database {
 public:
  /// Opens or makes the file: WAL, foreign keys, waits a bounded time for other processes.
  static Result<Database> open(const std::string& path, Sync sync);

  Result<Statement> prepare(std::string_view sql);
  /// For statements without rows.
  Result<void> run(Statement& statement);
  /// True when there is a row.
  Result<bool> next(Statement& statement);
  Result<void> execute(const char* sql);
  Result<int64_t> number(std::string_view sql);
  /// The Error for a code that is not OK, ROW or DONE.
  Error error(int code) const;
  sqlite3* handle() { return handle_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// BEGIN IMMEDIATE until commit(); rolled back when it is left without.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

}  // namespace pawl::sqlite
