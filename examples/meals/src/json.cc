#include "json.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace meals {
namespace {

// Input nested deeper than this is refused: the parser recurses, and its stack is finite.
constexpr int kMaxDepth = 64;

void append_utf8(std::string& out, unsigned code) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12), tail(6), tail(0);
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Json> whole_text() {
    Json value;
    if (!parse_value(value, 0)) return std::nullopt;
    skip_space();
    if (!rest_.empty()) return std::nullopt;
    return value;
  }

 private:
  bool parse_value(Json& value, int depth) {
    skip_space();
    if (rest_.empty() || depth > kMaxDepth) return false;
    switch (rest_.front()) {
      case '{':
        return parse_object(value, depth);
      case '[':
        return parse_array(value, depth);
      case '"': {
        std::string text;
        if (!parse_string(text)) return false;
        value = std::move(text);
        return true;
      }
      case 't':
        value = true;
        return take("true");
      case 'f':
        value = false;
        return take("false");
      case 'n':
        value = Json();
        return take("null");
      default:
        return parse_number(value);
    }
  }

  bool parse_object(Json& value, int depth) {
    Json::Object members;
    take("{"), skip_space();
    if (!take("}")) {
      do {
        std::string name;
        Json member;
        skip_space();
        if (!parse_string(name)) return false;
        skip_space();
        if (!take(":") || !parse_value(member, depth + 1)) return false;
        members.emplace_back(std::move(name), std::move(member));
        skip_space();
      } while (take(","));
      if (!take("}")) return false;
    }
    value = std::move(members);
    return true;
  }

  bool parse_array(Json& value, int depth) {
    Json::Array items;
    take("["), skip_space();
    if (!take("]")) {
      do {
        items.emplace_back();
        if (!parse_value(items.back(), depth + 1)) return false;
        skip_space();
      } while (take(","));
      if (!take("]")) return false;
    }
    value = std::move(items);
    return true;
  }

  bool parse_string(std::string& out) {
    if (!take("\"")) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!parse_escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool parse_escape(std::string& out) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (take("u")) return parse_code_point(out);
    const size_t which = rest_.empty() ? std::string_view::npos : kLetters.find(rest_.front());
    if (which == std::string_view::npos) return false;
    out += kMeanings[which];
    rest_.remove_prefix(1);
    return true;
  }

  // What follows \u. Half a surrogate pair stands for no character and becomes U+FFFD, the
  // replacement character.
  bool parse_code_point(std::string& out) {
    unsigned code = 0;
    if (!parse_hex4(code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      const std::string_view before = rest_;
      unsigned low = 0;
      if (take("\\u") && parse_hex4(low) && low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        rest_ = before;
      }
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return true;
  }

  bool parse_hex4(unsigned& code) {
    if (rest_.size() < 4) return false;
    code = 0;
    for (const char c : rest_.substr(0, 4)) {
      code <<= 4;
      if (c >= '0' && c <= '9')
        code += static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'f')
        code += static_cast<unsigned>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        code += static_cast<unsigned>(c - 'A' + 10);
      else
        return false;
    }
    rest_.remove_prefix(4);
    return true;
  }

  bool parse_number(Json& value) {
    std::string text;
    const auto digits = [&] {
      const size_t before = text.size();
      while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') accept(text);
      return text.size() > before;
    };
    if (rest_.front() == '-') accept(text);
    if (!rest_.empty() && rest_.front() == '0')
      accept(text);
    else if (!digits())
      return false;
    if (!rest_.empty() && rest_.front() == '.') {
      accept(text);
      if (!digits()) return false;
    }
    if (!rest_.empty() && (rest_.front() == 'e' || rest_.front() == 'E')) {
      accept(text);
      if (!rest_.empty() && (rest_.front() == '+' || rest_.front() == '-')) accept(text);
      if (!digits()) return false;
    }
    value = std::strtod(text.c_str(), nullptr);
    return true;
  }

  void accept(std::string& text) {
    text += rest_.front();
    rest_.remove_prefix(1);
  }

  bool take(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void skip_space() {
    const size_t used = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(used == std::string_view::npos ? rest_.size() : used);
  }

  std::string_view rest_;
};

void write_string(std::string& out, const std::string& text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char escape[8];
          std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
          out += escape;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void write_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  out += text;
}

struct Writer {
  std::string& out;

  void operator()(std::nullptr_t) { out += "null"; }
  void operator()(bool value) { out += value ? "true" : "false"; }
  void operator()(double value) { write_number(out, value); }
  void operator()(const std::string& value) { write_string(out, value); }
  void operator()(const Json::Array& items) {
    char separator = '[';
    for (const Json& item : items) {
      out += separator;
      out += item.dump();
      separator = ',';
    }
    out += items.empty() ? "[]" : "]";
  }
  void operator()(const Json::Object& members) {
    char separator = '{';
    for (const auto& [name, member] : members) {
      out += separator;
      write_string(out, name);
      out += ':';
      out += member.dump();
      separator = ',';
    }
    out += members.empty() ? "{}" : "}";
  }
};

template <class T, class Variant>
const T& value_or_empty(const Variant& value) {
  static const T empty{};
  const T* found = std::get_if<T>(&value);
  return found ? *found : empty;
}

}  // namespace

std::optional<Json> Json::parse(std::string_view text) {
  return Parser(text).whole_text();
}

std::string Json::dump() const {
  std::string out;
  std::visit(Writer{out}, value_);
  return out;
}

const Json& Json::operator[](std::string_view name) const {
  static const Json null;
  const Object& members = object();
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->first == name) return member->second;
  }
  return null;
}

std::string Json::string() const {
  return value_or_empty<std::string>(value_);
}
double Json::number() const {
  return value_or_empty<double>(value_);
}
bool Json::boolean() const {
  return value_or_empty<bool>(value_);
}
const Json::Array& Json::array() const {
  return value_or_empty<Array>(value_);
}
const Json::Object& Json::object() const {
  return value_or_empty<Object>(value_);
}

}  // namespace meals
