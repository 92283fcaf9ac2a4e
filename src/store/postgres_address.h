// Where a PostgreSQL store is: the URL that a person gives, what of it may be shown, and what
// libpq is told.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace pawl {

/// Begins with postgresql:// or postgres://.
bool is_postgres_url(std::string_view text);
/// Whether there is a password in it, in front of the '@' or as a parameter.
bool has_password(std::string_view url);
/// The URL with "***" for each password.
std::string without_password(std::string_view url);

namespace postgres {

class Address {
 public:
  /// Kind usage when libpq does not understand the URL, not_found when there is no libpq.
  static Result<Address> parse(const std::string& url);

  /// For messages: no password in it.
  const std::string& name() const { return name_; }
  /// Keywords and values for PQconnectdbParams(): the URL's, and defaults for what it leaves open.
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  const Parameters& parameters() const { return parameters_; }
  /// What libpq says, without the password and its advice, on one line.
  std::string clean(std::string_view text) const;

 private:
  std::string name_;
  Secret password_;
  Parameters parameters_;
};

}  // namespace postgres
}  // namespace pawl
