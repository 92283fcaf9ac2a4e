// How many transfers run at once to one origin: those over the limit wait in line, in order.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "base/task.h"
#include "net/loop.h"

namespace pawl {

class ConnectionPlaces : public std::enable_shared_from_this<ConnectionPlaces> {
 public:
  ConnectionPlaces(Loop& loop, size_t limit) : loop_(loop), limit_(limit) {}

  struct Ticket {
    OneShot<bool> granted;
    bool has_place = false;
    bool gone = false;
  };

  /// A place, or the wait for one; given back when destroyed, wherever its task is by then.
  class Place {
   public:
    Place(std::shared_ptr<ConnectionPlaces> places, std::string key);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();
    /// set(false) on it ends the wait early.
    const OneShot<bool>& granted() const { return ticket_->granted; }

   private:
    std::shared_ptr<ConnectionPlaces> places_;
    std::string key_;
    std::shared_ptr<Ticket> ticket_;
  };

 private:
  struct Line {
    size_t taken = 0;
    std::deque<std::shared_ptr<Ticket>> waiting;
  };
  void give_back(const std::string& key);

  Loop& loop_;
  size_t limit_;
  std::map<std::string, Line> lines_;
};

}  // namespace pawl
