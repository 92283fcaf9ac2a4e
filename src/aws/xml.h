// Reads the small XML answers of the AWS query and S3 protocols. Strict and bounded: what is not
// well formed, too large or too deep is an Error. Boost.PropertyTree does the parsing, in xml.cc
// only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl::aws {

constexpr size_t kMaxXmlBytes = 8u << 20;
constexpr size_t kMaxXmlDepth = 32;

struct XmlElement {
  std::string name;
  std::string text;  // of its own, without that of the elements in it
  std::vector<XmlElement> children;

  /// The first child on each step of "A/B/C"; nullptr when one is missing.
  const XmlElement* find(std::string_view path) const;
  /// The text there, or empty.
  std::string text_of(std::string_view path) const;
  /// Every child of that name.
  std::vector<const XmlElement*> all(std::string_view child_name) const;
};

/// The root element. `what` names the document in the error.
Result<XmlElement> parse_xml(std::string_view text, std::string_view what);
/// "&" and "<" and what else must not stand in XML text.
std::string xml_escape(std::string_view text);

}  // namespace pawl::aws
