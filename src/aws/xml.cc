#include "aws/xml.h"

#include <fmt/format.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

namespace pawl::aws {
namespace {

// Where the markup that begins at `at` ends, one past it; npos: it does not.
size_t end_of_markup(std::string_view text, size_t at) {
  const auto after = [&](std::string_view closing) {
    const auto found = text.find(closing, at);
    return found == std::string_view::npos ? found : found + closing.size();
  };
  if (text.substr(at, 4) == "<!--") return after("-->");
  if (text.substr(at, 9) == "<![CDATA[") return after("]]>");
  if (text.substr(at, 2) == "<?") return after("?>");
  char quote = 0;  // a ">" within an attribute's value ends nothing
  for (size_t i = at; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '>') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// The parser below recurses, and takes any name for the end of an element: so depth is bounded and
// names are compared before it. Empty: all is well.
std::string_view find_fault(std::string_view text) {
  std::vector<std::string_view> open;
  for (size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
    const size_t end = end_of_markup(text, at);
    if (end == std::string_view::npos) return "it ends in the middle";
    const std::string_view tag = text.substr(at + 1, end - at - 2);  // without "<" and ">"
    at = end;
    if (tag.empty() || tag[0] == '!' || tag[0] == '?') continue;
    const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/", 1));
    if (tag[0] == '/') {
      const std::string_view closed = tag.substr(1, tag.find_first_of(" \t\r\n", 1) - 1);
      if (open.empty() || open.back() != closed) return "an element is closed that is not open";
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
      if (open.size() > kMaxXmlDepth) return "it is too deep";
    }
  }
  return open.empty() ? "" : "an element is not closed";
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
  if (const auto fault = find_fault(text); !fault.empty()) return corrupt(fault);
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
