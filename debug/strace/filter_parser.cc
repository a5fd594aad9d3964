#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "debug/strace/filter_condition.h"
#include "runtime/events/duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::string_view kKeysHint =
    "conditions are trace=NAME,NAME, tool=NAME,NAME, status=failed|successful, pid=N, text~REGEX, "
    "duration=1s.., tokens=N..M; NAME,NAME alone means trace=NAME,NAME";

// Patterns from outside may not take more memory than this to match.
constexpr std::int64_t kPatternMemory = 8 << 20;

// Text from outside in a message of one line.
std::string shown(std::string_view text) {
  return printable(truncate(text, 200));
}

// One expression being read; positions are byte offsets into it.
class Parser {
 public:
  explicit Parser(std::string_view expression) : text_(expression) {}

  Result<FilterCondition> parse() {
    if (text_.empty()) return error(0, "a condition is missing", std::string(kKeysHint));
    const std::size_t key_end = std::min(text_.find_first_of("=~<>"), text_.size());
    at_ = key_end;
    const std::string_view key = text_.substr(0, key_end);
    if (key_end == text_.size()) {
      at_ = 0;
      return trace();
    }
    if (key == "trace") return after("=", &Parser::trace);
    if (key == "status") return after("=", &Parser::status);
    if (key == "pid") return after("=", &Parser::pid);
    if (key == "tool") return after("=", &Parser::tools);
    if (key == "text") return after("~", &Parser::pattern);
    if (key == "duration" || key == "tokens") return range(key == "duration");
    return error(0, fmt::format("unknown condition \"{}\"", shown(key)), std::string(kKeysHint));
  }

 private:
  using Rule = Result<FilterCondition> (Parser::*)();

  std::unexpected<Error> error(std::size_t at, std::string why, std::string hint) const {
    return fail(Code::kInvalid,
                fmt::format("filter \"{}\", column {}: {}", shown(text_),
                            count_characters(text_.substr(0, at)) + 1, why),
                std::move(hint));
  }

  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  Result<FilterCondition> after(std::string_view sign, Rule rule) {
    if (take(sign)) return (this->*rule)();
    return error(at_, fmt::format("expected \"{}\" after \"{}\"", sign, text_.substr(0, at_)),
                 std::string(kKeysHint));
  }

  // The text up to the next comma.
  std::string_view next_item() {
    const std::size_t end = std::min(text_.find(',', at_), text_.size());
    const std::string_view item = text_.substr(at_, end - at_);
    at_ = end;
    return item;
  }

  Result<FilterCondition> trace() {
    const bool negated = take("!");
    FilterCondition condition{FilterCondition::Trace{}, negated};
    do {
      AGDB_CHECK_OK(trace_name(condition));
    } while (take(","));
    return condition;
  }

  Status trace_name(FilterCondition& condition) {
    FilterCondition::Trace& trace = std::get<FilterCondition::Trace>(condition.test);
    const std::size_t start = at_;
    const std::string_view name = next_item();
    if (name.empty())
      return error(start, "expected a name or a set", "as in trace=Open,Close or trace=%llm");
    if (name == "none") return {};
    if (name == "all") {
      trace.all = true;
    } else if (name.starts_with('%')) {
      const auto set = set_named(name);
      if (!set)
        return error(start, fmt::format("unknown set \"{}\"", shown(name)),
                     "sets are " + set_names());
      trace.sets.push_back(*set);
    } else {
      if (const std::size_t bad = first_not_of_a_name(name); bad != name.size())
        return error(start + bad, "this does not belong into a name",
                     "names are separated by commas, without blanks");
      trace.names.push_back(to_lower_ascii(name));
      if (!is_known_name(trace.names.back())) add_once(condition.unknown_names, name);
    }
    return {};
  }

  static std::size_t first_not_of_a_name(std::string_view name) {
    const auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '.' || c == '-' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
    };
    return static_cast<std::size_t>(std::ranges::find_if_not(name, fits) - name.begin());
  }

  static void add_once(std::vector<std::string>& names, std::string_view name) {
    if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  }

  Result<FilterCondition> status() {
    const bool negated = take("!");
    const std::string_view value = text_.substr(at_);
    if (value == "failed") return FilterCondition{FilterCondition::Status{true}, negated};
    if (value == "successful") return FilterCondition{FilterCondition::Status{false}, negated};
    return error(at_, "expected \"failed\" or \"successful\"", "as in status=failed");
  }

  Result<FilterCondition> pid() {
    const bool negated = take("!");
    FilterCondition::Pids pids;
    do {
      const std::size_t start = at_;
      const auto number = whole_number(next_item());
      if (!number) return error(start, "expected a process number", "as in pid=7 or pid=7,8");
      pids.pids.push_back(static_cast<Pid>(*number));
    } while (take(","));
    return FilterCondition{std::move(pids), negated};
  }

  Result<FilterCondition> tools() {
    const bool negated = take("!");
    FilterCondition::Tools tools;
    do {
      const std::size_t start = at_;
      const std::string_view name = next_item();
      if (name.empty())
        return error(start, "expected a tool's name", "as in tool=Bash or tool=Read,Write");
      tools.names.push_back(to_lower_ascii(name));
    } while (take(","));
    return FilterCondition{std::move(tools), negated};
  }

  static std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || problem != std::errc() || end != text.data() + text.size() || number < 0)
      return std::nullopt;
    return number;
  }

  Result<FilterCondition> pattern() {
    if (at_ == text_.size()) return error(at_, "expected a pattern", "as in text~\"no such file\"");
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kPatternMemory);
    const re2::StringPiece source(text_.data() + at_, text_.size() - at_);
    auto pattern = std::make_shared<const RE2>(source, options);
    if (!pattern->ok()) {
      const std::size_t bad = text_.substr(at_).find(pattern->error_arg());
      return error(bad == std::string_view::npos ? at_ : at_ + bad,
                   "not a regular expression: " + printable(pattern->error()),
                   "patterns are RE2's; write \\ before a character that is meant as it stands");
    }
    return FilterCondition{FilterCondition::Text{std::move(pattern)}};
  }

  Result<FilterCondition> range(bool durations) {
    AGDB_TRY(const FilterRange range, take("~") ? wrong_sign() : bounds(durations));
    if (durations) return FilterCondition{FilterCondition::Duration{range}};
    return FilterCondition{FilterCondition::Tokens{range}};
  }

  Result<FilterRange> wrong_sign() const {
    return error(at_ - 1, "expected \"=\", \"<\" or \">\"",
                 "as in duration=1s..2s, duration>500ms or tokens=1000..");
  }

  Result<FilterRange> bounds(bool durations) {
    FilterRange range;
    if (take(">=")) {
      AGDB_TRY(range.low, value(durations, text_.size()));
    } else if (take("<=")) {
      AGDB_TRY(range.high, value(durations, text_.size()));
    } else if (take(">")) {
      AGDB_TRY(const std::int64_t bound, value(durations, text_.size()));
      if (bound == std::numeric_limits<std::int64_t>::max()) return FilterRange{1, 0};
      range.low = bound + 1;
    } else if (take("<")) {
      AGDB_TRY(const std::int64_t bound, value(durations, text_.size()));
      range.high = bound - 1;
    } else {
      take("=");
      return both_ends(durations);
    }
    return range;
  }

  Result<FilterRange> both_ends(bool durations) {
    FilterRange range;
    const std::size_t start = at_;
    const std::size_t dots = text_.find("..", at_);
    if (dots == std::string_view::npos) {
      AGDB_TRY(range.low, value(durations, text_.size()));
      range.high = range.low;
      return range;
    }
    if (dots == at_ && dots + 2 == text_.size())
      return error(start, "expected a value on one side of \"..\" at least",
                   durations ? "as in duration=1s.." : "as in tokens=..5000");
    if (dots > at_) {
      AGDB_TRY(range.low, value(durations, dots));
    }
    at_ = dots + 2;
    if (at_ < text_.size()) {
      AGDB_TRY(range.high, value(durations, text_.size()));
    }
    if (range.low > range.high)
      return error(start, "the range ends before it begins", "write the smaller value first");
    return range;
  }

  // The value that stands from here to `end`.
  Result<std::int64_t> value(bool durations, std::size_t end) {
    const std::size_t start = at_;
    const std::string_view text = text_.substr(at_, end - at_);
    at_ = end;
    if (!durations) {
      if (const auto number = whole_number(text)) return *number;
      return error(start, "expected a whole number of tokens", "as in tokens=1000..2000");
    }
    if (const auto duration = parse_duration(text)) return duration->count();
    return error(start, "expected a duration with its unit",
                 "as in duration=1s.., with the unit ns, us, ms, s, m or h");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<FilterCondition> parse_condition(std::string_view expression) {
  return Parser(expression).parse();
}

}  // namespace agdb
