// Calls of a fake port that are to fail: before or after they did their work.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"

namespace pawl::fakes {

/// Calls that are to fail, by the name of the operation.
class Faults {
 public:
  /// The next call fails and has done nothing.
  void fail(std::string operation, Error error);
  /// The next call does its work, and its answer is lost.
  void lose_answer(std::string operation);
  /// Run before the next call, as if somebody else had been quicker.
  void before(std::string operation, std::function<void()> action);

  struct Fault {
    Error error;
    bool after_the_work = false;
  };
  std::optional<Fault> next(const std::string& operation);

 private:
  std::map<std::string, std::deque<Fault>> planned_;
  std::map<std::string, std::deque<std::function<void()>>> actions_;
};

}  // namespace pawl::fakes
