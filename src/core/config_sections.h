// The sections of pawl.yaml that an environment may override: aws, image, infrastructure, function,
// url, static, health, limits, on_cancel, hooks.
#pragma once

#include "core/config.h"
#include "core/config_reader.h"
#include "core/freeze.h"

namespace pawl {

/// Reads all of them from `settings` (shared and own keys merged already), with the defaults for
/// what is absent.
void read_settings(SectionReader& settings, EnvironmentConfig& out);

}  // namespace pawl
