#include "sandbox/aws/cbor.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace pawl::sandbox {

json::value timestamp(WallTime time) {
  return json::object{{"$time", time.unix_ms}};
}

std::optional<WallTime> timestamp_in(const json::value& value) {
  if (!value.is_object() || value.get_object().size() != 1) return std::nullopt;
  const json::value* ms = value.get_object().if_contains("$time");
  if (ms == nullptr || !ms->is_number()) return std::nullopt;
  boost::system::error_code failure;
  const int64_t number = ms->to_number<int64_t>(failure);
  if (failure) return std::nullopt;
  return WallTime{number};
}

namespace {

constexpr int kMaxDepth = 32;
constexpr double kMsPerSecond = 1000.0;

// Major types, in the upper three bits of an item's first byte.
enum Major : unsigned { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

void put_head(std::string& out, unsigned major, uint64_t number) {
  const unsigned top = major << 5;
  auto put_bytes = [&](int count) {
    for (int shift = (count - 1) * 8; shift >= 0; shift -= 8)
      out += static_cast<char>((number >> shift) & 0xff);
  };
  if (number < 24) {
    out += static_cast<char>(top | number);
  } else if (number <= 0xff) {
    out += static_cast<char>(top | 24);
    put_bytes(1);
  } else if (number <= 0xffff) {
    out += static_cast<char>(top | 25);
    put_bytes(2);
  } else if (number <= 0xffffffff) {
    out += static_cast<char>(top | 26);
    put_bytes(4);
  } else {
    out += static_cast<char>(top | 27);
    put_bytes(8);
  }
}

void put_double(std::string& out, double number) {
  out += static_cast<char>((kSimple << 5) | 27);
  const auto bits = std::bit_cast<uint64_t>(number);
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((bits >> shift) & 0xff);
}

void put(std::string& out, const json::value& value) {
  if (const auto time = timestamp_in(value)) {
    put_head(out, kTag, 1);
    put_double(out, static_cast<double>(time->unix_ms) / kMsPerSecond);
    return;
  }
  switch (value.kind()) {
    case json::kind::null:
      out += static_cast<char>((kSimple << 5) | 22);
      break;
    case json::kind::bool_:
      out += static_cast<char>((kSimple << 5) | (value.get_bool() ? 21 : 20));
      break;
    case json::kind::int64:
      if (value.get_int64() >= 0) {
        put_head(out, kUnsigned, static_cast<uint64_t>(value.get_int64()));
      } else {
        put_head(out, kNegative, static_cast<uint64_t>(-(value.get_int64() + 1)));
      }
      break;
    case json::kind::uint64:
      put_head(out, kUnsigned, value.get_uint64());
      break;
    case json::kind::double_:
      put_double(out, value.get_double());
      break;
    case json::kind::string:
      put_head(out, kText, value.get_string().size());
      out.append(value.get_string().data(), value.get_string().size());
      break;
    case json::kind::array:
      put_head(out, kArray, value.get_array().size());
      for (const json::value& item : value.get_array()) put(out, item);
      break;
    case json::kind::object:
      put_head(out, kMap, value.get_object().size());
      for (const auto& entry : value.get_object()) {
        put_head(out, kText, entry.key().size());
        out.append(entry.key().data(), entry.key().size());
        put(out, entry.value());
      }
      break;
  }
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  Result<json::value> whole() {
    PAWL_TRY(json::value value, item(0));
    if (!rest_.empty()) return bad("bytes after the end");
    return value;
  }

 private:
  static Error bad(const char* what) {
    return Error(ErrorKind::corrupt, std::string("not valid CBOR: ") + what);
  }

  struct Head {
    unsigned major = 0;
    unsigned minor = 0;
    uint64_t number = 0;
    bool indefinite = false;
  };

  Result<Head> head() {
    if (rest_.empty()) return bad("it ends too soon");
    const unsigned first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    Head h{first >> 5, first & 31, first & 31, false};
    if (h.minor < 24) return h;
    if (h.minor == 31) {
      h.indefinite = true;
      return h;
    }
    if (h.minor > 27) return bad("a reserved length");
    const size_t count = size_t{1} << (h.minor - 24);
    if (rest_.size() < count) return bad("it ends too soon");
    h.number = 0;
    for (size_t i = 0; i < count; ++i)
      h.number = (h.number << 8) | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(count);
    return h;
  }

  bool at_break() {
    if (rest_.empty() || static_cast<unsigned char>(rest_.front()) != 0xff) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<std::string> text(const Head& h) {
    if (h.indefinite) {
      std::string all;
      while (!at_break()) {
        PAWL_TRY(const Head part, head());
        if (part.major != h.major || part.indefinite) return bad("a piece of another type");
        PAWL_TRY(const std::string piece, text(part));
        all += piece;
      }
      return all;
    }
    if (h.number > rest_.size()) return bad("it ends too soon");
    std::string value(rest_.substr(0, h.number));
    rest_.remove_prefix(h.number);
    return value;
  }

  Result<json::value> array(const Head& h, int depth) {
    json::array values;
    for (uint64_t i = 0; h.indefinite ? !at_break() : i < h.number; ++i) {
      PAWL_TRY(json::value value, item(depth + 1));
      values.push_back(std::move(value));
    }
    return json::value(std::move(values));
  }

  Result<json::value> map(const Head& h, int depth) {
    json::object values;
    for (uint64_t i = 0; h.indefinite ? !at_break() : i < h.number; ++i) {
      PAWL_TRY(const Head key_head, head());
      if (key_head.major != kText) return bad("a key that is no text");
      PAWL_TRY(const std::string key, text(key_head));
      PAWL_TRY(json::value value, item(depth + 1));
      values[key] = std::move(value);
    }
    return json::value(std::move(values));
  }

  static Result<json::value> simple(const Head& h) {
    switch (h.minor) {
      case 20:
        return json::value(false);
      case 21:
        return json::value(true);
      case 22:
      case 23:
        return json::value(nullptr);
      case 25:
        return json::value(half(static_cast<uint16_t>(h.number)));
      case 26:
        return json::value(
            static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(h.number))));
      case 27:
        return json::value(std::bit_cast<double>(h.number));
      default:
        return bad("an unknown simple value");
    }
  }

  // RFC 8949, appendix D.
  static double half(uint16_t bits) {
    const int exponent = (bits >> 10) & 0x1f;
    const int mantissa = bits & 0x3ff;
    double value = 0;
    if (exponent == 0) {
      value = std::ldexp(mantissa, -24);
    } else if (exponent != 31) {
      value = std::ldexp(mantissa + 1024, exponent - 25);
    } else {
      value = mantissa == 0 ? HUGE_VAL : NAN;
    }
    return (bits & 0x8000) != 0 ? -value : value;
  }

  Result<json::value> item(int depth) {
    if (depth > kMaxDepth) return bad("too deep");
    PAWL_TRY(const Head h, head());
    switch (h.major) {
      case kUnsigned:
        return json::value(h.number);
      case kNegative:
        if (h.number > static_cast<uint64_t>(INT64_MAX)) return bad("a number too small");
        return json::value(-1 - static_cast<int64_t>(h.number));
      case kBytes:
      case kText: {
        PAWL_TRY(const std::string value, text(h));
        return json::value(json::string(value));
      }
      case kArray:
        return array(h, depth);
      case kMap:
        return map(h, depth);
      case kTag: {
        PAWL_TRY(json::value value, item(depth + 1));
        if (h.number != 1 || !value.is_number()) return value;
        const double seconds = value.to_number<double>();
        constexpr double kFar = 1e12;
        if (!(std::abs(seconds) < kFar)) return bad("a time out of range");
        return timestamp({static_cast<int64_t>(std::llround(seconds * kMsPerSecond))});
      }
      default:
        return simple(h);
    }
  }

  std::string_view rest_;
};

}  // namespace

std::string cbor_encode(const json::value& value) {
  std::string out;
  put(out, value);
  return out;
}

Result<json::value> cbor_decode(std::string_view bytes) {
  return Decoder(bytes).whole();
}

}  // namespace pawl::sandbox
