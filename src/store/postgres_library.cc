// The functions of libpq that store/ calls, each bound on its first call (base/lazy_library.h).
#include "store/postgres_library.h"

#include <libpq-fe.h>

#include "base/lazy_library.h"

namespace {

pawl::LazyLibrary pq_library("libpq.so.5", "libpq5");

}  // namespace

namespace pawl::postgres {

std::string why_library_missing() {
  return pq_library.why_missing();
}

}  // namespace pawl::postgres

#define PQ_FUNCTION(result, name, parameters, arguments) \
  PAWL_LAZY_FUNCTION(pq_library, result, name, parameters, arguments)

PQ_FUNCTION(PQconninfoOption*, PQconninfoParse, (const char* text, char** problem), (text, problem))
PQ_FUNCTION(void, PQconninfoFree, (PQconninfoOption * options), (options))
PQ_FUNCTION(void, PQfreemem, (void* memory), (memory))
PQ_FUNCTION(PGconn*, PQconnectdbParams,
            (const char* const* keywords, const char* const* values, int expand),
            (keywords, values, expand))
PQ_FUNCTION(void, PQfinish, (PGconn * connection), (connection))
PQ_FUNCTION(ConnStatusType, PQstatus, (const PGconn* connection), (connection))
PQ_FUNCTION(PGTransactionStatusType, PQtransactionStatus, (const PGconn* connection), (connection))
PQ_FUNCTION(int, PQserverVersion, (const PGconn* connection), (connection))
PQ_FUNCTION(char*, PQerrorMessage, (const PGconn* connection), (connection))
PQ_FUNCTION(int, PQsocket, (const PGconn* connection), (connection))
PQ_FUNCTION(int, PQsetnonblocking, (PGconn * connection, int value), (connection, value))
PQ_FUNCTION(PQnoticeReceiver, PQsetNoticeReceiver,
            (PGconn * connection, PQnoticeReceiver receiver, void* context),
            (connection, receiver, context))
PQ_FUNCTION(int, PQenterPipelineMode, (PGconn * connection), (connection))
PQ_FUNCTION(int, PQexitPipelineMode, (PGconn * connection), (connection))
PQ_FUNCTION(int, PQpipelineSync, (PGconn * connection), (connection))
PQ_FUNCTION(int, PQsendQuery, (PGconn * connection, const char* sql), (connection, sql))
PQ_FUNCTION(int, PQsendQueryParams,
            (PGconn * connection, const char* sql, int count, const Oid* types,
             const char* const* values, const int* lengths, const int* formats, int result_format),
            (connection, sql, count, types, values, lengths, formats, result_format))
PQ_FUNCTION(int, PQflush, (PGconn * connection), (connection))
PQ_FUNCTION(int, PQconsumeInput, (PGconn * connection), (connection))
PQ_FUNCTION(int, PQisBusy, (PGconn * connection), (connection))
PQ_FUNCTION(PGresult*, PQgetResult, (PGconn * connection), (connection))
PQ_FUNCTION(PGnotify*, PQnotifies, (PGconn * connection), (connection))
PQ_FUNCTION(ExecStatusType, PQresultStatus, (const PGresult* result), (result))
PQ_FUNCTION(char*, PQresultErrorField, (const PGresult* result, int field), (result, field))
PQ_FUNCTION(void, PQclear, (PGresult * result), (result))
PQ_FUNCTION(int, PQntuples, (const PGresult* result), (result))
PQ_FUNCTION(char*, PQgetvalue, (const PGresult* result, int row, int column), (result, row, column))
PQ_FUNCTION(int, PQgetlength, (const PGresult* result, int row, int column), (result, row, column))
