#include "aws/xml.h"

#include <fmt/format.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

namespace pawl::aws {
namespace {

// The parser below recurses, so that depth is bounded before it. Counts more than there is in the
// odd comment; never less.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '/' && text[i + 1] == '>') --depth;
    if (text[i] != '<') continue;
    const char next = text[i + 1];
    if (next == '/') {
      --depth;
    } else if (next != '?' && next != '!') {
      ++depth;
    }
    if (depth > kMaxXmlDepth) return true;
  }
  return false;
}

XmlElement to_element(const std::string& name, const boost::property_tree::ptree& tree) {
  XmlElement element;
  element.name = name;
  element.text = tree.data();
  for (const auto& [child_name, child] : tree)
    if (child_name != "<xmlattr>") element.children.push_back(to_element(child_name, child));
  return element;
}

}  // namespace

const XmlElement* XmlElement::find(std::string_view path) const {
  const XmlElement* at = this;
  while (at != nullptr && !path.empty()) {
    const auto slash = path.find('/');
    const std::string_view step = path.substr(0, slash);
    const XmlElement* next = nullptr;
    for (const auto& child : at->children)
      if (child.name == step) {
        next = &child;
        break;
      }
    at = next;
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return at;
}

std::string XmlElement::text_of(std::string_view path) const {
  const XmlElement* element = find(path);
  return element == nullptr ? "" : element->text;
}

std::vector<const XmlElement*> XmlElement::all(std::string_view child_name) const {
  std::vector<const XmlElement*> found;
  for (const auto& child : children)
    if (child.name == child_name) found.push_back(&child);
  return found;
}

Result<XmlElement> parse_xml(std::string_view text, std::string_view what) {
  const auto corrupt = [what](std::string_view why) {
    return Error(ErrorKind::corrupt, fmt::format("{} is not valid XML: {}", what, why));
  };
  if (text.size() > kMaxXmlBytes) return corrupt(fmt::format("over {} bytes", kMaxXmlBytes));
  if (text.find('\0') != std::string_view::npos) return corrupt("it holds a zero byte");
  if (is_too_deep(text)) return corrupt(fmt::format("more than {} levels", kMaxXmlDepth));
  boost::property_tree::ptree tree;
  try {
    std::istringstream stream{std::string(text)};
    boost::property_tree::read_xml(stream, tree, boost::property_tree::xml_parser::no_comments);
  } catch (const boost::property_tree::xml_parser_error& failure) {
    return corrupt(fmt::format("{} in line {}", failure.message(), failure.line()));
  }
  if (tree.size() != 1) return corrupt("it must have one root element");
  return to_element(tree.front().first, tree.front().second);
}

std::string xml_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace pawl::aws
