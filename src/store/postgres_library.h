// Whether libpq is installed: it is loaded when a PostgreSQL store is opened, and not needed by who
// keeps the journal in a file.
#pragma once

#include <string>

namespace pawl::postgres {

/// Empty when libpq can be used, else the loader's reason.
std::string why_library_missing();

}  // namespace pawl::postgres
