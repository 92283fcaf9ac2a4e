// A thin layer over libpq: one connection whose socket is awaited on the event loop, queries with
// parameters, rows that clean up after themselves. It tries nothing again: that is
// postgres_client.h. Not for use outside this folder.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "net/loop.h"
#include "net/watched_fd.h"
#include "store/postgres_address.h"

namespace pawl::postgres {

/// A statement with its parameters, $1 first.
class Query {
 public:
  explicit Query(std::string sql) : sql_(std::move(sql)) {}
  Query& bind(std::string_view text);
  Query& bind(int64_t number) { return bind(std::to_string(number)); }
  Query& bind(uint64_t number) { return bind(std::to_string(number)); }
  /// For bytea: any bytes at all.
  Query& bind_bytes(std::string_view bytes);

 private:
  friend class Connection;
  struct Value {
    std::string bytes;
    bool is_binary;
  };
  std::string sql_;
  std::vector<Value> values_;
};

/// What one query gave; rows and columns are from 0.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result) {}
  int count() const { return PQntuples(result_.get()); }
  std::string text(int row, int column) const;
  int64_t number(int row, int column) const;
  /// Of a bytea column.
  std::string bytes(int row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class Connection {
 public:
  /// Connects and sets what the store relies on, whatever the role's defaults are: commits that
  /// have reached the disk, one snapshot for each statement, limits on what is waited for.
  static Task<Result<std::unique_ptr<Connection>>> open(Loop& loop, const Address& address);

  /// Sends all queries at once and gives their rows in order: one round trip. Unless a transaction
  /// was begun, they are one transaction. The first refusal is the result; those after it were
  /// not carried out. A task that leaves in the middle loses the connection.
  Task<Result<std::vector<Rows>>> run(std::vector<Query> queries);
  Task<Result<Rows>> run(Query query);
  /// Several statements in one text, without parameters: one transaction, unless the text has its
  /// own.
  Task<Result<void>> script(std::string sql);

  /// Waits for something to arrive while no query runs; true when a notification did whose payload
  /// is not `ours`.
  Task<Result<bool>> wait_for_notification(const std::string& ours);

  bool is_lost() const { return is_lost_; }
  bool in_transaction() const { return PQtransactionStatus(handle_.get()) != PQTRANS_IDLE; }
  int server_version() const { return PQserverVersion(handle_.get()); }

 private:
  struct Finish {
    void operator()(PGconn* handle) const { PQfinish(handle); }
  };
  Connection(Loop& loop, const Address& address, PGconn* handle);
  Task<Result<void>> flush();
  Task<Result<PGresult*>> next_result();
  Task<Result<std::vector<Rows>>> read_pipeline(size_t count);
  Result<void> send(const Query& query);
  Error lost(std::string_view words);
  Error lost() { return lost(PQerrorMessage(handle_.get())); }
  Error error_of(const PGresult* result);

  const Address& address_;
  std::unique_ptr<PGconn, Finish> handle_;
  WatchedFd socket_;  // a copy of the handle's: closed before it
  bool is_lost_ = false;
};

}  // namespace pawl::postgres
