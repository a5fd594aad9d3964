#include "debug/secrets/mask.h"

#include <vector>

#include "debug/secrets/byte_class.h"
#include "debug/secrets/find_secret.h"
#include "debug/secrets/secret_name.h"

namespace agdb {
namespace {

void append_mask(std::string& out, SecretKind kind) {
  out += "[masked:";
  out += secret_kind_name(kind);
  out += ']';
}

constexpr std::size_t kLongestKey = 1024;

bool is_base64(std::string_view text) {
  using namespace byte_class;
  return run_end(text, 0, kBase64 | kBase64Url) == text.size();
}

// The first secret in the text of a member (`key` may be empty), which is that of `finder`: all of
// it where the key says so.
std::optional<FoundSecret> first_secret(SecretFinder& finder, std::string_view key,
                                        std::string_view text) {
  const bool base64 = holds_base64(key) && is_base64(text);
  // What a tool returned stands under "data", too: a key alone is no image.
  if (base64 && (key != "data" || text.size() > kLongestKey)) return std::nullopt;
  const std::optional<FoundSecret> found = finder.next();
  if (base64 && !(found && found->begin == 0 && found->end == text.size())) return std::nullopt;
  if (found && found->begin == 0) return found;
  const std::optional<SecretKind> kind = secret_named(key);
  if (!kind || !is_secret_value(*kind, text, true)) return found;
  return FoundSecret{0, text.size(), *kind};
}

bool holds_secret(std::string_view key, std::string_view text) {
  SecretFinder finder(text);
  return first_secret(finder, key, text).has_value();
}

// The text of a member. False: it holds no secret, and `out` is as it was.
bool mask_member(std::string& out, std::string_view key, std::string_view text,
                 MaskCounts& counts) {
  SecretFinder finder(text);
  std::optional<FoundSecret> found = first_secret(finder, key, text);
  if (!found) return false;
  std::size_t done = 0;
  while (found) {
    out += text.substr(done, found->begin - done);
    append_mask(out, found->kind);
    counts.add(found->kind);
    done = found->end;
    found = done < text.size() ? finder.next() : std::nullopt;
  }
  out += text.substr(done);
  return true;
}

// The strings of a value, keys included: visit(name, text), where the name of a key is empty.
template <typename Value, typename Visit>
void each_string(Value& value, Visit visit) {
  std::vector<Value*> open;
  const auto look_at = [&](Value& each, std::string_view name) {
    if (each.is_string()) {
      visit(name, each.string());
    } else if (!each.empty()) {
      open.push_back(&each);
    }
  };
  look_at(value, {});
  while (!open.empty()) {
    Value& at = *open.back();
    open.pop_back();
    if (at.is_array()) {
      for (Value& item : at.items()) look_at(item, {});
    } else {
      for (auto& [key, member] : at.members()) {
        visit({}, key);
        look_at(member, key);
      }
    }
  }
}

// Walks over the strings of a JSON text.
class JsonTextMasker {
 public:
  JsonTextMasker(std::string_view text, MaskCounts& counts) : text_(text), counts_(counts) {}

  std::string run() && {
    for (std::size_t begin = text_.find('"'); begin != std::string_view::npos;
         begin = text_.find('"', at_)) {
      between(text_.substr(at_, begin - at_));
      at_ = end_of_string(begin + 1);
      const bool closed = at_ > begin + 1 && at_ <= text_.size() && closed_;
      string(text_.substr(begin + 1, at_ - begin - (closed ? 2 : 1)), closed);
    }
    out_ += text_.substr(at_);
    return std::move(out_);
  }

 private:
  // What stands between two strings tells whether the first is the name of the second.
  void between(std::string_view gap) {
    out_ += gap;
    std::size_t colons = 0;
    for (const char c : gap) {
      if (c == ':') ++colons;
      if (c != ':' && static_cast<unsigned char>(c) > ' ') colons = 2;
      if (colons > 1) break;
    }
    if (colons != 1) name_.clear();
  }

  // Behind the quote that ends the string whose content begins at `from`.
  std::size_t end_of_string(std::size_t from) {
    closed_ = false;
    for (std::size_t at = from;; ++at) {
      at = text_.find('"', at);
      if (at == std::string_view::npos) return text_.size();
      std::size_t slashes = 0;
      while (at - slashes > from && text_[at - slashes - 1] == '\\') ++slashes;
      if (slashes % 2 != 0) continue;
      closed_ = true;
      return at + 1;
    }
  }

  void string(std::string_view content, bool closed) {
    std::string unescaped;
    std::string_view plain = content;
    if (closed && content.contains('\\')) {
      Result<Json> parsed = parse_json(std::string_view(content.data() - 1, content.size() + 2));
      if (parsed && parsed->is_string()) {
        unescaped = std::move(parsed->string());
        plain = unescaped;
      }
    }
    std::string masked;
    if (!mask_member(masked, name_, plain, counts_)) {
      out_ += '"';
      out_ += content;
      if (closed) out_ += '"';
    } else if (closed) {
      dump_string_to(out_, masked);
    } else {
      out_ += '"';
      out_ += masked;
    }
    name_ = plain;
  }

  std::string_view text_;
  MaskCounts& counts_;
  std::string out_;
  std::string name_;  // the string before, while it may be a name
  std::size_t at_ = 0;
  bool closed_ = false;
};

}  // namespace

void mask_secrets_to(std::string& out, std::string_view text, MaskCounts& counts) {
  if (!mask_member(out, {}, text, counts)) out += text;
}

std::string mask_secrets(std::string_view text, MaskCounts& counts) {
  std::string out;
  mask_secrets_to(out, text, counts);
  return out;
}

void mask_secrets(Json& value, MaskCounts& counts) {
  each_string(value, [&](std::string_view name, std::string& text) {
    std::string masked;
    if (mask_member(masked, name, text, counts)) text = std::move(masked);
  });
}

bool text_has_secrets(std::string_view text) {
  return holds_secret({}, text);
}

bool json_has_secrets(const Json& value) {
  bool any = false;
  each_string(value, [&](std::string_view name, const std::string& text) {
    any = any || holds_secret(name, text);
  });
  return any;
}

std::string mask_json_text(std::string_view text, MaskCounts& counts) {
  return JsonTextMasker(text, counts).run();
}

}  // namespace agdb
