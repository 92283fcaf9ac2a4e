// What PostgreSQL's refusals mean to a person, and to those who decide whether to try again.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/postgres_address.h"

namespace pawl::postgres {

/// A connection that could not be made. libpq gives words and no code.
Error cannot_connect(const Address& address, std::string_view words);
/// A statement that was refused; `state` is its SQLSTATE, kept as the Error's code.
Error refused(const Address& address, std::string_view state, std::string_view words);
/// The connection broke. Whether what had been sent was done is not known from this alone.
Error connection_lost(const Address& address, std::string_view words);

/// Whether the server ends the connection with this answer.
bool ends_connection(std::string_view state);
constexpr std::string_view kUniqueViolation = "23505";

}  // namespace pawl::postgres
