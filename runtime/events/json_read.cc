#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/events/base64_sibling.h"
#include "runtime/events/json.h"
#include "runtime/events/json_mender.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Turns simdjson's tape into a value. False: nested deeper than allowed.
class TapeReader {
 public:
  explicit TapeReader(const ParseOptions& options) : options_(options) {}

  bool read(simdjson::dom::element element, Json& out, int depth = 0) {
    using simdjson::dom::element_type;
    switch (element.type()) {
      case element_type::NULL_VALUE:
        out = nullptr;
        return true;
      case element_type::BOOL:
        out = element.get_bool().value_unsafe();
        return true;
      case element_type::INT64:
        out = static_cast<long long>(element.get_int64().value_unsafe());
        return true;
      case element_type::UINT64:
        out = static_cast<unsigned long long>(element.get_uint64().value_unsafe());
        return true;
      case element_type::DOUBLE:
        out = element.get_double().value_unsafe();
        return true;
      case element_type::STRING:
        out = element.get_string().value_unsafe();
        return true;
      case element_type::ARRAY:
        return array(element.get_array().value_unsafe(), out, depth + 1);
      case element_type::OBJECT:
        return object(element.get_object().value_unsafe(), out, depth + 1);
    }
    return false;
  }

 private:
  bool array(simdjson::dom::array from, Json& out, int depth) {
    if (depth > options_.max_depth) return false;
    out = Json::array();
    out.items().reserve(from.size());
    for (const simdjson::dom::element element : from) {
      if (!read(element, out.items().emplace_back(), depth)) return false;
    }
    return true;
  }

  bool object(simdjson::dom::object from, Json& out, int depth) {
    if (depth > options_.max_depth) return false;
    out = Json::object();
    out.members().reserve(from.size());
    for (const auto [key, element] : from) {
      out.members().push_back({std::string(key), {}});
      if (!read(element, out.members().back().value, depth)) return false;
    }
    if (options_.restore_base64) restore_siblings(out.members());
    return true;
  }

  const ParseOptions& options_;
};

// A parser's buffers. Making them costs more than parsing a line of a recording with them, so each
// thread keeps those for texts of usual size.
class Scratch {
 public:
  Scratch(std::size_t text_size, int max_depth) {
    // simdjson needs one level more than it opens, and no more levels than there are bytes.
    const std::size_t depth = std::min(static_cast<std::size_t>(max_depth), text_size) + 1;
    if (text_size > kUsualSize || depth > kUsualDepth) {
      parser_ = &own_.emplace();
      ready_ = own_->allocate(std::max<std::size_t>(text_size, 64), depth) == simdjson::SUCCESS;
      return;
    }
    static thread_local simdjson::dom::parser kept;
    parser_ = &kept;
    ready_ = kept.capacity() == kUsualSize ||
             kept.allocate(kUsualSize, kUsualDepth) == simdjson::SUCCESS;
  }

  // `root` is valid as long as this. False: no clean JSON.
  bool parse(std::string_view text, simdjson::dom::element& root) {
    return ready_ && parser_->parse(text.data(), text.size(), true).get(root) == simdjson::SUCCESS;
  }

 private:
  static constexpr std::size_t kUsualSize = std::size_t{64} << 10;
  static constexpr std::size_t kUsualDepth = 1024;

  std::optional<simdjson::dom::parser> own_;
  simdjson::dom::parser* parser_ = nullptr;
  bool ready_ = false;
};

// The quick way, for what is clean. Nothing: it is not, or too deep; the thorough way will tell.
std::optional<Json> parse_quickly(std::string_view text, const ParseOptions& options) {
  if (options.max_depth < 1) return std::nullopt;
  Scratch scratch(text.size(), options.max_depth);
  simdjson::dom::element root;
  if (!scratch.parse(text, root)) return std::nullopt;
  Json out;
  if (!TapeReader(options).read(root, out)) return std::nullopt;
  return out;
}

// nlohmann's messages read "[id] parse error at <place>: syntax error while parsing <what> -
// <complaint>; last read: '<token>'; expected <token kind>", where the last two may be missing. The
// token is hostile.

std::string_view complaint_in(std::string_view message) {
  const std::size_t dash = message.find(" - ");
  if (dash != std::string_view::npos) message.remove_prefix(dash + 3);
  const std::size_t last_read = message.find("; last read: ");
  if (last_read != std::string_view::npos) return message.substr(0, last_read);
  return message.substr(0, message.find("; expected "));
}

std::string_view expectation_in(std::string_view message) {
  if (message.ends_with("; expected '[', '{', or a literal")) return "; expected a value";
  if (message.ends_with("; expected ']'")) return "; expected ',' or ']'";
  if (message.ends_with("; expected '}'")) return "; expected ',' or '}'";
  if (message.ends_with("; expected ':'")) return "; expected ':'";
  if (message.ends_with("; expected string literal")) return "; expected a string";
  if (message.ends_with("; expected end of input")) return "; expected the end of the text";
  return "";
}

using Nlohmann = nlohmann::json;

// Builds a value from nlohmann's events over a mended text, without recursion.
class EventReader : public nlohmann::json_sax<Nlohmann> {
 public:
  explicit EventReader(const ParseOptions& options) : options_(options) {}

  Json take() { return std::move(root_); }
  bool is_too_deep() const { return too_deep_; }
  // Of a syntax error: the number of bytes read when it was met, and what it is.
  std::size_t position() const { return position_; }
  const std::string& reason() const { return reason_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override {
    JsonMender::restore(value);
    return add(std::move(value));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool key(string_t& name) override {
    JsonMender::restore(name);
    open_.back()->members().push_back({std::move(name), {}});
    return true;
  }
  bool end_object() override {
    if (options_.restore_base64) restore_siblings(open_.back()->members());
    open_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    explain(token, error.what());
    return false;
  }

 private:
  // The place of the value that comes now.
  Json& place() {
    if (open_.empty()) return root_;
    Json& container = *open_.back();
    return container.is_array() ? container.items().emplace_back()
                                : container.members().back().value;
  }

  bool add(Json value) {
    place() = std::move(value);
    return true;
  }

  bool open(Json container) {
    too_deep_ = open_.size() >= static_cast<std::size_t>(std::max(options_.max_depth, 0));
    if (too_deep_) return false;
    Json& at = place();
    at = std::move(container);
    // Stays where it is: its parent does not change before it is closed.
    open_.push_back(&at);
    return true;
  }

  // Takes from nlohmann's message what a person needs, and moves the position from the end of an
  // unexpected token to its begin.
  void explain(std::string_view token, std::string_view what) {
    std::size_t length = 1;
    if (what.find("number overflow") != std::string_view::npos) {
      reason_ = fmt::format("the number {} is out of range", truncate(token, 40));
      length = token.size();
    } else {
      reason_ = fmt::format("{}{}", complaint_in(what), expectation_in(what));
      if (reason_.starts_with("unexpected string") || reason_.starts_with("unexpected number"))
        length = token.size();
      if (reason_.starts_with("unexpected true") || reason_.starts_with("unexpected null"))
        length = 4;
      if (reason_.starts_with("unexpected false")) length = 5;
    }
    position_ -= std::min(position_ - 1, length - 1);
  }

  const ParseOptions& options_;
  Json root_;
  std::vector<Json*> open_;
  bool too_deep_ = false;
  std::size_t position_ = 0;
  std::string reason_;
};

std::unexpected<Error> error_at(std::string_view text, std::size_t offset, std::string_view what) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 = 0
  return fail(Code::kCorrupt, fmt::format("{}:{}: {}", line, before.size() - line_begin + 1, what));
}

// Where nesting first exceeds `max_depth`. REQUIRES: what stands before is good JSON.
std::size_t offset_of_depth(std::string_view text, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\') ++at;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if ((c == '[' || c == '{') && ++depth > max_depth) return at;
    if (c == ']' || c == '}') --depth;
  }
  return text.size();
}

// The thorough way: mends what can be mended, takes numbers of any size, and tells where an error
// is.
Result<Json> parse_thoroughly(std::string_view text, ParseNotes& notes,
                              const ParseOptions& options) {
  // nlohmann takes a NUL for the end.
  const std::string_view head = text.substr(0, text.find('\0'));
  JsonMender mender(head);
  mender.run();
  EventReader reader(options);
  bool good = false;
  try {
    good = Nlohmann::sax_parse(mender.mended().begin(), mender.mended().end(), &reader);
  } catch (const Nlohmann::exception& error) {
    return fail(Code::kCorrupt, fmt::format("1:1: {}", error.what()));
  }
  if (reader.is_too_deep()) {
    return error_at(text, offset_of_depth(head, options.max_depth),
                    fmt::format("nested deeper than {} levels", options.max_depth));
  }
  std::size_t offset = head.size();
  if (!good && reader.position() <= mender.mended().size()) {
    JsonMender again(head);
    offset = again.run(reader.position() - 1);
  }
  if (offset == head.size() && head.size() < text.size())
    return error_at(text, offset, "a NUL byte");
  if (!good) return error_at(text, offset, reader.reason());
  notes = mender.notes();
  return reader.take();
}

}  // namespace

Result<Json> parse_json(std::string_view text, ParseNotes* notes, const ParseOptions& options) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail(Code::kCorrupt, "1:1: the text is empty");
  if (std::optional<Json> json = parse_quickly(text, options)) return *std::move(json);
  ParseNotes mended;
  AGDB_TRY(Json json, parse_thoroughly(text, mended, options));
  if (notes != nullptr) {
    notes->invalid_utf8 += mended.invalid_utf8;
    notes->lone_surrogates += mended.lone_surrogates;
  }
  return json;
}

std::optional<std::size_t> end_of_first_document(std::string_view text) {
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
  std::vector<bool> is_object;  // of each open container
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
      continue;
    }
    switch (c) {
      case '"':
        in_string = true;
        break;
      case '{':
        is_object.push_back(true);
        break;
      case '[':
        is_object.push_back(false);
        break;
      case '}':
      case ']':
        if (is_object.empty() || is_object.back() != (c == '}')) return std::nullopt;
        is_object.pop_back();
        break;
      default:
        break;
    }
    if (is_object.empty()) return c == '}' || c == ']' ? std::optional(at + 1) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace agdb
