#include "core/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace pawl {
namespace {

using Kind = YamlNode::Kind;

// Ends the reading of a document; never leaves this file.
struct Stop {
  YamlMark mark;
  std::string message;
};

YamlMark to_mark(const YAML::Mark& mark) {
  return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

bool is_yaml_digit(char c) {
  return c >= '0' && c <= '9';
}

// [-+]?[0-9]+
bool is_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_yaml_digit);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool is_yaml_number(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && is_yaml_digit(text[i])) ++i;
    return i - start;
  };
  const size_t before = digits();
  size_t after = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    after = digits();
  }
  if (before + after == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

Kind kind_of_plain(std::string_view text) {
  const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  if (is_one_of({"", "~", "null", "Null", "NULL"})) return Kind::null;
  if (is_one_of({"true", "True", "TRUE", "false", "False", "FALSE"})) return Kind::boolean;
  if (is_integer(text)) return Kind::integer;
  if (is_yaml_number(text)) return Kind::number;
  return Kind::text;
}

size_t count_nodes(const YamlNode& node) {
  size_t count = 1;
  for (const auto& item : node.items) count += count_nodes(item);
  for (const auto& member : node.members) count += count_nodes(member.value);
  return count;
}

size_t depth_of(const YamlNode& node) {
  size_t deepest = 0;
  for (const auto& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const auto& member : node.members) deepest = std::max(deepest, depth_of(member.value));
  return deepest + 1;
}

// Builds the tree from yaml-cpp's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<ConfigProblem>& problems) : problems_(problems) {}
  YamlNode take() { return std::move(root_); }
  bool has_document() const { return has_document_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    last_mark_ = to_mark(mark);
    has_document_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.mark = to_mark(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{to_mark(mark), "an alias within what it names"};
    count(count_nodes(found->second), to_mark(mark));
    if (stack_.size() + depth_of(found->second) > kMaxConfigDepth) too_deep(to_mark(mark));
    add(found->second, 0, /*counted=*/true);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.mark = to_mark(mark);
    node.text = value;
    if (tag == "?" || tag.empty()) {
      node.kind = kind_of_plain(value);
    } else if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      node.kind = Kind::text;  // quoted
    } else {
      refuse_tag(node.mark, tag);
    }
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::optional<YamlNode> key;  // of a map: read, its value not yet
  };

  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const YamlMark at = to_mark(mark);
    if (!tag.empty() && tag != "?" && tag != "!") refuse_tag(at, tag);
    if (stack_.size() >= kMaxConfigDepth) too_deep(at);
    Frame frame;
    frame.node.kind = kind;
    frame.node.mark = at;
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
    last_mark_ = at;
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(frame.node), frame.anchor);
  }

  void add(YamlNode node, YAML::anchor_t anchor, bool counted = false) {
    last_mark_ = node.mark;
    if (!counted) count(1, node.mark);
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      if (!node.is_scalar()) throw Stop{node.mark, "a key must be text, not a list or a map"};
      frame.key = std::move(node);
    } else {
      add_member(frame, std::move(node));
    }
  }

  void add_member(Frame& frame, YamlNode value) {
    const YamlNode key = *std::exchange(frame.key, std::nullopt);
    if (const YamlMember* first = frame.node.member(key.text)) {
      problems_.push_back(
          {key.mark.line, key.mark.column, key.text,
           fmt::format("is written twice; the first is in line {}", first->mark.line)});
      return;
    }
    // An empty value has no place of its own in the text; its key has.
    if (value.kind == Kind::null && value.text.empty()) value.mark = key.mark;
    frame.node.members.push_back({key.text, key.mark, std::move(value)});
  }

  void count(size_t nodes, YamlMark mark) {
    count_ += nodes;
    if (count_ > kMaxConfigNodes)
      throw Stop{mark,
                 fmt::format("more than {} values (aliases count each time)", kMaxConfigNodes)};
  }

  [[noreturn]] static void too_deep(YamlMark mark) {
    throw Stop{mark, fmt::format("nested deeper than {} levels", kMaxConfigDepth)};
  }
  [[noreturn]] static void refuse_tag(YamlMark mark, const std::string& tag) {
    throw Stop{mark, fmt::format("the YAML tag '{}' means nothing here", tag.substr(0, 60))};
  }

  std::vector<ConfigProblem>& problems_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  YamlNode root_;
  YamlMark last_mark_;
  size_t count_ = 0;
  bool has_document_ = false;
};

void set_paths(YamlNode& node, const std::string& path) {
  node.path = path;
  for (size_t i = 0; i < node.items.size(); ++i)
    set_paths(node.items[i], fmt::format("{}[{}]", path, i));
  for (auto& member : node.members)
    set_paths(member.value, path.empty() ? member.key : path + "." + member.key);
}

// yaml-cpp reads bytes below 0x20 as if they were letters.
std::optional<Stop> find_control_character(std::string_view text) {
  YamlMark mark;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n' && c != '\r' && c != '\t')
      return Stop{mark, fmt::format("the character 0x{:02x} does not belong in a text file", byte)};
    if (c == '\n') {
      ++mark.line;
      mark.column = 1;
    } else {
      ++mark.column;
    }
  }
  return std::nullopt;
}

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line && !text.empty(); ++i)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// The mistake that is made most often: within {...} a placeholder's own braces end the text.
std::string hint_about(std::string_view line) {
  for (const auto* placeholder : {"{app}", "{environment}", "{region}"})
    if (line.find(placeholder) != std::string_view::npos)
      return fmt::format("; within {{ }} a text with {} must be between quotes", placeholder);
  return "";
}

void read_documents(std::string_view text, YamlDocument& document) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  TreeBuilder builder(document.problems);
  if (!parser.HandleNextDocument(builder) || !builder.has_document())
    throw Stop{{},
               "the file is empty; `pawl init` or docs/reference/config.md say what belongs here"};
  document.root = builder.take();
  TreeBuilder second(document.problems);
  if (parser.HandleNextDocument(second))
    throw Stop{second.take().mark, "a second document: one file holds one configuration"};
}

}  // namespace

const YamlMember* YamlNode::member(std::string_view key) const {
  for (const auto& candidate : members)
    if (candidate.key == key) return &candidate;
  return nullptr;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  const YamlMember* found = member(key);
  return found == nullptr ? nullptr : &found->value;
}

std::string describe(const YamlNode& node) {
  constexpr size_t kShown = 40;
  std::string shown = node.text.size() > kShown ? node.text.substr(0, kShown) + "..." : node.text;
  switch (node.kind) {
    case Kind::null:
      return "nothing";
    case Kind::boolean:
      return shown;
    case Kind::integer:
    case Kind::number:
      return "the number " + shown;
    case Kind::text:
      return "'" + shown + "'";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map of keys";
  }
  return "something else";
}

YamlDocument parse_yaml(std::string_view text) {
  YamlDocument document;
  const auto problem = [&](YamlMark mark, std::string message) {
    document.problems.push_back({mark.line, mark.column, "", std::move(message)});
  };
  if (text.size() > kMaxConfigBytes) {
    problem({}, fmt::format("the file is larger than {} KiB", kMaxConfigBytes / 1024));
    return document;
  }
  if (auto found = find_control_character(text)) {
    problem(found->mark, found->message);
    return document;
  }
  try {
    read_documents(text, document);
  } catch (const Stop& stop) {
    problem(stop.mark, stop.message);
  } catch (const YAML::Exception& failure) {
    const YamlMark mark = to_mark(failure.mark);
    problem(mark, "this is not YAML: " + failure.msg + hint_about(line_of(text, mark.line)));
  } catch (const std::exception& failure) {
    problem({}, std::string("this is not YAML: ") + failure.what());
  }
  set_paths(document.root, "");
  return document;
}

YamlNode merge(const YamlNode& base, const YamlNode& over) {
  if (!base.is_map() || !over.is_map()) return over;
  YamlNode merged = over;  // its place is where a missing key is missed
  for (const auto& member : base.members) {
    const auto existing =
        std::find_if(merged.members.begin(), merged.members.end(),
                     [&](const YamlMember& candidate) { return candidate.key == member.key; });
    if (existing == merged.members.end()) {
      merged.members.push_back(member);
    } else {
      existing->value = merge(member.value, existing->value);
    }
  }
  return merged;
}

json::value to_json(const YamlNode& node) {
  switch (node.kind) {
    case Kind::null:
      return nullptr;
    case Kind::boolean:
      return node.text[0] == 't' || node.text[0] == 'T';
    case Kind::integer: {
      int64_t number = 0;
      const std::string_view digits =
          std::string_view(node.text).substr(node.text[0] == '+' ? 1 : 0);
      const auto [end, failure] =
          std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (failure == std::errc()) return number;
      return std::strtod(node.text.c_str(), nullptr);
    }
    case Kind::number:
      return std::strtod(node.text.c_str(), nullptr);
    case Kind::text:
      return json::string(node.text);
    case Kind::list: {
      json::array list;
      for (const auto& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case Kind::map: {
      json::object map;
      for (const auto& member : node.members) map[member.key] = to_json(member.value);
      return map;
    }
  }
  return nullptr;
}

}  // namespace pawl
