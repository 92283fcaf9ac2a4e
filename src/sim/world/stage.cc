#include <utility>

#include "sim/world/simulation.h"

namespace pawl::sim {

void Stage::at(std::chrono::milliseconds from_now, std::function<void()> what) {
  world_.clock.call_in(from_now, [this, what = std::move(what)] { due_.push_back(what); });
}

Node* Stage::node(size_t machine) {
  return machine < nodes_.size() ? nodes_[machine].node.get() : nullptr;
}

Node& Stage::start(size_t machine) {
  if (nodes_.size() <= machine) nodes_.resize(machine + 1);
  Machine& one = nodes_[machine];
  if (one.lives == 0) one.skew = std::chrono::milliseconds(world_.chance.between(-skew, skew));
  one.node = std::make_unique<Node>(world_, fmt::format("n{}", machine), ++one.lives, one.skew);
  return *one.node;
}

void Stage::kill(size_t machine) {
  nodes_[machine].node.reset();
}

bool Stage::is_idle() const {
  for (const auto& one : nodes_)
    if (one.node && !one.node->is_idle()) return false;
  return true;
}

void Stage::do_what_is_due() {
  // Done here, outside of any task: it may destroy nodes.
  while (!due_.empty())
    for (const auto& what : std::exchange(due_, {})) what();
}

void Stage::look_after(size_t machine) {
  Node* node = nodes_[machine].node.get();
  if (node == nullptr) return;
  if (node->gate().has_crashed()) {
    kill(machine);
    if (on_death) on_death(machine);
    return;
  }
  for (const auto& id : node->collect()) {
    if (node->is_stopping()) continue;
    const auto& known = world_.invariants.deployments();
    const auto found = known.find(id);
    if (found != known.end() && is_terminal(found->second.phase)) continue;
    // Somebody looks after it, and runs it again.
    at(std::chrono::milliseconds(world_.chance.between(5'000, 60'000)), [this, machine, id] {
      if (Node* there = this->node(machine)) there->run(id);
    });
  }
  if (node->is_stopping() && node->is_idle()) {
    kill(machine);
    if (on_death) on_death(machine);
  }
}

void Stage::play(const std::function<bool()>& done) {
  while (!done() && !world_.invariants.is_broken()) {
    for (size_t i = 0; i < nodes_.size(); ++i) look_after(i);
    // One that died while it took up its work leaves nothing that the clock could wake.
    bool died = false;
    for (const Machine& one : nodes_) died = died || (one.node && one.node->gate().has_crashed());
    if (died) continue;
    if (!world_.clock.step()) return;
    ++steps;
    do_what_is_due();
    world_.invariants.after_step();
  }
}

}  // namespace pawl::sim
