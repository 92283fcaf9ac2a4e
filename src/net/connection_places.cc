#include "net/connection_places.h"

namespace pawl {

ConnectionPlaces::Place::Place(std::shared_ptr<ConnectionPlaces> places, std::string key)
    : places_(std::move(places)), key_(std::move(key)), ticket_(std::make_shared<Ticket>()) {
  Line& line = places_->lines_[key_];
  if (line.taken < places_->limit_) {
    ++line.taken;
    ticket_->has_place = true;
    ticket_->granted.set(true);
  } else {
    line.waiting.push_back(ticket_);
  }
}

ConnectionPlaces::Place::~Place() {
  ticket_->gone = true;
  if (ticket_->has_place) places_->give_back(key_);
}

void ConnectionPlaces::give_back(const std::string& key) {
  const auto found = lines_.find(key);
  Line& line = found->second;
  while (!line.waiting.empty()) {
    const auto next = line.waiting.front();
    line.waiting.pop_front();
    if (next->gone) continue;
    // The place changes hands now; the next one is resumed from the loop.
    next->has_place = true;
    loop_.post([next] { next->granted.set(true); });
    return;
  }
  if (--line.taken == 0) lines_.erase(found);
}

}  // namespace pawl
