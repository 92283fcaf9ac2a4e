// The canonical forms of SigV4: paths, queries and header values brought into the one shape that
// both sides hash.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.h"

namespace pawl::aws {

std::string lower_case(std::string_view text);
std::string_view trim(std::string_view text);
/// "a;;b" gives three parts; empty text none.
std::vector<std::string_view> split(std::string_view text, char separator);

/// A target's path and query, without the "?".
std::pair<std::string_view, std::string_view> split_target(std::string_view target);
/// Decoded names and values in the order they came. A "+" is a "+", not a space.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

/// S3: each character encoded once, nothing normalised.
std::string canonical_s3_path(std::string_view raw_path);
/// The others: "//" and dot segments taken out, then encoded once more than the wire has it.
std::string canonical_path(std::string_view raw_path);
/// Encoded, then sorted by name and by value.
std::string canonical_query(std::string_view raw_query);
/// All values of that name joined with ",", each trimmed, runs of spaces made one.
std::string canonical_header_value(const Headers& headers, std::string_view lower_case_name);

}  // namespace pawl::aws
