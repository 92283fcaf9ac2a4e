#include "store/postgres_errors.h"

#include <fmt/format.h>

namespace pawl::postgres {
namespace {

struct Refusal {
  std::string_view sign;  // in libpq's words; or the beginning of an SQLSTATE
  ErrorKind kind;
  const char* hint;
};

constexpr const char* kHowToGiveAPassword =
    "check the user and the password: in PAWL_STORE, PGPASSWORD or ~/.pgpass";
constexpr const char* kHowToGrant =
    "give Pawl's role a schema of its own, or rights on the tables that are there: "
    "docs/operations.md, \"Several nodes\", has both";

// The server's words are in its own language; an unknown one still is shown as it came.
constexpr Refusal kConnectRefusals[] = {
    {"password authentication failed", ErrorKind::denied, kHowToGiveAPassword},
    {"no password supplied", ErrorKind::denied, kHowToGiveAPassword},
    {"authentication failed", ErrorKind::denied, kHowToGiveAPassword},
    {"no pg_hba.conf entry", ErrorKind::denied,
     "the server's pg_hba.conf lets this host and user in to no database of that name"},
    {"permission denied for database", ErrorKind::denied,
     "GRANT CONNECT ON DATABASE ... TO ... lets it in"},
    {"role \"", ErrorKind::denied, "make the role (createuser), or name another one in the URL"},
    {"database \"", ErrorKind::not_found,
     "make the database (createdb), or name another one in the URL"},
    {"could not translate host name", ErrorKind::unavailable, "check the host's name in the URL"},
    {"support SSL", ErrorKind::denied, "check sslmode in the URL"},
    {"certificate", ErrorKind::denied,
     "check the server's certificate, and sslrootcert and sslmode in the URL"},
};

constexpr Refusal kServerRefusals[] = {
    {"08", ErrorKind::unavailable, ""},
    {"25006", ErrorKind::unavailable,
     "the server takes no writes: name the primary in the URL, or all hosts of the cluster"},
    {"25P03", ErrorKind::unavailable, ""},
    {"28", ErrorKind::denied, kHowToGiveAPassword},
    {"3F000", ErrorKind::denied, kHowToGrant},
    {"40", ErrorKind::unavailable, ""},
    {"42501", ErrorKind::denied, kHowToGrant},
    {"53100", ErrorKind::storage,
     "the server's disk is full. Nothing was lost: what was recorded before stays as it is. Make "
     "room and run the command again; it goes on where it stopped"},
    {"53", ErrorKind::unavailable, "the server is short of something: see its log"},
    {"55P03", ErrorKind::unavailable, "another session holds what this one needs"},
    {"57014", ErrorKind::unavailable, "the server took too long"},
    {"57P", ErrorKind::unavailable, ""},
};

Error make(ErrorKind kind, std::string words, const char* hint) {
  Error error(kind, std::move(words));
  return *hint == '\0' ? error : std::move(error).with_hint(hint);
}

}  // namespace

Error cannot_connect(const Address& address, std::string_view words) {
  const std::string story = fmt::format("cannot connect to the journal's database {}: {}",
                                        address.name(), address.clean(words));
  for (const auto& each : kConnectRefusals) {
    if (words.find(each.sign) == std::string_view::npos) continue;
    return make(each.kind, story, each.hint);
  }
  return make(ErrorKind::unavailable, story, "is the server running, and reachable from here?");
}

Error refused(const Address& address, std::string_view state, std::string_view words) {
  const std::string story =
      fmt::format("the journal's database {}: {}", address.name(), address.clean(words));
  for (const auto& each : kServerRefusals) {
    if (!state.starts_with(each.sign)) continue;
    return make(each.kind, story, each.hint).with_code(std::string(state));
  }
  return make(ErrorKind::storage, story, "").with_code(std::string(state));
}

Error connection_lost(const Address& address, std::string_view words) {
  return make(
      ErrorKind::unavailable,
      fmt::format("the connection to the journal's database {} was lost: {}", address.name(),
                  address.clean(words)),
      "nothing that was recorded is lost. Run the command again when the server is back; it "
      "goes on where it stopped");
}

bool ends_connection(std::string_view state) {
  return state.starts_with("57P") || state.starts_with("08") || state == "25P03";
}

}  // namespace pawl::postgres
