// What the services of the cloud model share: the account, identifiers that are the same for the
// same seed, errors as AWS says them, and the ledger of everything that was changed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace pawl::cloud {

struct Account {
  std::string id = "000000000000";
  std::string region = "us-east-1";

  /// "aws", or "aws-cn" and "aws-us-gov" in the regions of those.
  /// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
  std::string_view partition() const;
  /// "arn:aws:lambda:us-east-1:000000000000:" and the rest.
  std::string arn(std::string_view service, std::string_view rest) const;
  /// Of a service that knows no regions: "arn:aws:iam::000000000000:" and the rest.
  std::string global_arn(std::string_view service, std::string_view rest) const;
  bool operator==(const Account&) const = default;
};

/// Identifiers from a seed and a counter: the simulator's runs repeat, and the sandbox seeds it
/// with something that nobody guesses.
class IdSource {
 public:
  explicit IdSource(std::string seed = "pawl") : seed_(std::move(seed)) {}
  std::string uuid();
  /// `length` lower-case hexadecimal digits, at most 64.
  std::string hex(size_t length);
  /// `length` characters of A-Z and 2-7, at most 50: as in access keys.
  std::string base32(size_t length);
  /// `length` characters of a-z and 0-9, at most 50: as in API identifiers.
  std::string lower(size_t length);

  json::object to_json() const;
  static IdSource from_json(const json::object& object);

 private:
  std::string next();
  std::string seed_;
  uint64_t counter_ = 0;
};

/// One change of the world.
struct Mutation {
  int64_t sequence = 0;  // from 1, without gaps
  WallTime time;
  std::string service;   // "lambda"
  std::string action;    // "UpdateFunctionCode"
  std::string resource;  // "meals-dev", "bucket/key"
  json::object details;
};

/// Every change, in order. Reads leave nothing here; a change that was refused neither.
class Ledger {
 public:
  static constexpr size_t kDefaultLimit = 100'000;
  explicit Ledger(size_t limit = kDefaultLimit) : limit_(limit) {}

  void record(WallTime time, std::string service, std::string action, std::string resource,
              json::object details = {});
  /// The latest `limit` of them, oldest first.
  const std::deque<Mutation>& entries() const { return entries_; }
  std::vector<Mutation> of(std::string_view service, std::string_view action = "") const;
  /// Grows with each change: what to look at to know whether there is something to save.
  int64_t last_sequence() const { return last_sequence_; }

  json::object to_json() const;
  static Ledger from_json(const json::object& object);

 private:
  size_t limit_;
  int64_t last_sequence_ = 0;
  std::deque<Mutation> entries_;
};

/// An error as a service answers it; the kind follows from the status.
Error aws_error(int http_status, std::string code, std::string message);

/// Reads a time that to_json wrote (milliseconds since 1970).
WallTime time_or(const json::object& object, std::string_view key, WallTime otherwise = {});

/// A list in pieces: what AWS calls Marker or NextToken is the first key of the next page.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // empty: that was all
};

}  // namespace pawl::cloud
