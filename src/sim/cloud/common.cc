#include "sim/cloud/common.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"

namespace pawl::cloud {

namespace {

std::string from_alphabet(const std::string& bytes_hex, size_t length, std::string_view alphabet) {
  // Two hexadecimal digits give one character; hash again when they run out.
  std::string out;
  std::string digits = bytes_hex;
  while (out.size() < length) {
    for (size_t i = 0; i + 1 < digits.size() && out.size() < length; i += 2) {
      const int value = std::stoi(digits.substr(i, 2), nullptr, 16);
      out += alphabet[static_cast<size_t>(value) % alphabet.size()];
    }
    digits = sha256_hex(digits);
  }
  return out;
}

}  // namespace

std::string_view Account::partition() const {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

std::string Account::arn(std::string_view service, std::string_view rest) const {
  return fmt::format("arn:{}:{}:{}:{}:{}", partition(), service, region, id, rest);
}

std::string Account::global_arn(std::string_view service, std::string_view rest) const {
  return fmt::format("arn:{}:{}::{}:{}", partition(), service, id, rest);
}

std::string IdSource::next() {
  return sha256_hex(fmt::format("{}:{}", seed_, ++counter_));
}

std::string IdSource::uuid() {
  std::string h = next();
  h[12] = '4';  // version 4, as AWS's are
  h[16] = "89ab"[h[16] % 4];
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) +
         "-" + h.substr(20, 12);
}

std::string IdSource::hex(size_t length) {
  return next().substr(0, length);
}

std::string IdSource::base32(size_t length) {
  return from_alphabet(next(), length, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

std::string IdSource::lower(size_t length) {
  return from_alphabet(next(), length, "abcdefghijklmnopqrstuvwxyz0123456789");
}

json::object IdSource::to_json() const {
  return {{"seed", seed_}, {"counter", counter_}};
}

IdSource IdSource::from_json(const json::object& object) {
  IdSource source(string_or(object, "seed", "pawl"));
  source.counter_ = static_cast<uint64_t>(int_or(object, "counter"));
  return source;
}

void Ledger::record(WallTime time, std::string service, std::string action, std::string resource,
                    json::object details) {
  ++last_sequence_;
  if (limit_ == 0) return;
  entries_.push_back({last_sequence_, time, std::move(service), std::move(action),
                      std::move(resource), std::move(details)});
  if (entries_.size() > limit_) entries_.pop_front();
}

std::vector<Mutation> Ledger::of(std::string_view service, std::string_view action) const {
  std::vector<Mutation> found;
  std::copy_if(entries_.begin(), entries_.end(), std::back_inserter(found), [&](const Mutation& m) {
    return m.service == service && (action.empty() || m.action == action);
  });
  return found;
}

json::object Ledger::to_json() const {
  json::array entries;
  for (const Mutation& m : entries_) {
    entries.push_back(json::object{{"sequence", m.sequence},
                                   {"time", m.time.unix_ms},
                                   {"service", m.service},
                                   {"action", m.action},
                                   {"resource", m.resource},
                                   {"details", m.details}});
  }
  return {{"limit", limit_}, {"lastSequence", last_sequence_}, {"entries", std::move(entries)}};
}

Ledger Ledger::from_json(const json::object& object) {
  Ledger ledger(static_cast<size_t>(int_or(object, "limit", kDefaultLimit)));
  ledger.last_sequence_ = int_or(object, "lastSequence");
  const json::value* entries = find(object, "entries");
  if (entries == nullptr || !entries->is_array()) return ledger;
  for (const json::value& entry : entries->get_array()) {
    if (!entry.is_object()) continue;
    const json::object& o = entry.get_object();
    const json::value* details = find(o, "details");
    ledger.entries_.push_back(
        {int_or(o, "sequence"), time_or(o, "time"), string_or(o, "service"), string_or(o, "action"),
         string_or(o, "resource"),
         details && details->is_object() ? details->get_object() : json::object{}});
  }
  return ledger;
}

Error aws_error(int http_status, std::string code, std::string message) {
  return Error(error_kind_of_status(http_status), std::move(message))
      .with_code(std::move(code))
      .with_http_status(http_status);
}

WallTime time_or(const json::object& object, std::string_view key, WallTime otherwise) {
  return {int_or(object, key, otherwise.unix_ms)};
}

}  // namespace pawl::cloud
