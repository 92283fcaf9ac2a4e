// pawl resume --all: takes up whatever other processes left unfinished, in every environment of the
// config, and with --follow goes on doing so. Several such nodes share one store.
#pragma once

#include "cli/globals.h"

namespace pawl {

struct TakeUpRequest {
  int at_once = 4;
  bool follow = false;
};

int take_up_all(const Globals& globals, const TakeUpRequest& request);

}  // namespace pawl
