#include "debug/replay/line_diff.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "debug/replay/sequence_diff.h"

namespace agdb {

namespace {

// Where lines are only counted for their likeness, longer texts are not taken apart.
constexpr std::size_t kMaxLikenessBytes = std::size_t{1} << 20;

std::size_t count_lines(std::string_view text) {
  if (text.empty()) return 0;
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
}

std::vector<std::uint32_t> ids_of(const std::vector<std::string_view>& lines, Interner& interner) {
  std::vector<std::uint32_t> ids;
  ids.reserve(lines.size());
  for (const std::string_view line : lines) ids.push_back(interner.id(line));
  return ids;
}

class LineWriter {
 public:
  LineWriter(const std::vector<std::string_view>& from, const std::vector<std::string_view>& to,
             std::size_t context)
      : from_(from), to_(to), context_(context) {}

  // The equal lines [begin, end) of `from`; the ends that lie at a change are shown.
  void keep(std::size_t begin, std::size_t end, bool after_change, bool before_change) {
    const std::size_t count = end - begin;
    const std::size_t head = after_change ? std::min(context_, count) : 0;
    const std::size_t tail = before_change ? std::min(context_, count - head) : 0;
    const std::size_t hidden = count - head - tail;
    add(LineChange::Kind::kKept, from_, begin, begin + head);
    if (hidden > 0) changes_.push_back({LineChange::Kind::kSkipped, {}, hidden});
    add(LineChange::Kind::kKept, from_, end - tail, end);
  }

  void replace(const SequenceGap& gap) {
    add(LineChange::Kind::kRemoved, from_, gap.from_begin, gap.from_end);
    add(LineChange::Kind::kAdded, to_, gap.to_begin, gap.to_end);
  }

  std::vector<LineChange> take() { return std::move(changes_); }

 private:
  void add(LineChange::Kind kind, const std::vector<std::string_view>& lines, std::size_t begin,
           std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) changes_.push_back({kind, std::string(lines[i]), 0});
  }

  const std::vector<std::string_view>& from_;
  const std::vector<std::string_view>& to_;
  const std::size_t context_;
  std::vector<LineChange> changes_;
};

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

std::size_t common_suffix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first -
                                  a.rbegin());
}

// Bytes of the lines that both texts have, each as often as both have it.
std::size_t bytes_of_common_lines(std::string_view a, std::string_view b) {
  if (a.size() + b.size() > kMaxLikenessBytes) return 0;
  std::unordered_map<std::string_view, std::size_t> left;
  for (const std::string_view line : split_lines(a)) ++left[line];
  std::size_t bytes = 0;
  for (const std::string_view line : split_lines(b)) {
    const auto found = left.find(line);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    bytes += line.size() + 1;
  }
  return std::min({bytes, a.size(), b.size()});
}

std::string_view op_name(LineChange::Kind kind) {
  switch (kind) {
    case LineChange::Kind::kKept:
      return " ";
    case LineChange::Kind::kRemoved:
      return "-";
    case LineChange::Kind::kAdded:
      return "+";
    case LineChange::Kind::kSkipped:
      return "skipped";
  }
  return "";
}

}  // namespace

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  if (text.empty()) return lines;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  lines.push_back(text);
  return lines;
}

std::vector<LineChange> diff_lines(std::string_view from, std::string_view to,
                                   std::size_t context) {
  if (count_lines(from) + count_lines(to) > kMaxDiffLines) return {};
  const std::vector<std::string_view> from_lines = split_lines(from);
  const std::vector<std::string_view> to_lines = split_lines(to);
  Interner interner;
  const std::vector<std::uint32_t> from_ids = ids_of(from_lines, interner);
  const std::vector<std::uint32_t> to_ids = ids_of(to_lines, interner);
  const CommonSubsequence common = longest_common_subsequence(from_ids, to_ids);
  const std::vector<SequenceGap> gaps =
      gaps_between(common.matches, from_lines.size(), to_lines.size());
  if (gaps.empty()) return {};

  LineWriter writer(from_lines, to_lines, context);
  std::size_t at = 0;
  for (const SequenceGap& gap : gaps) {
    writer.keep(at, gap.from_begin, &gap != &gaps.front(), true);
    writer.replace(gap);
    at = gap.from_end;
  }
  writer.keep(at, from_lines.size(), true, false);
  return writer.take();
}

double similarity(std::string_view a, std::string_view b) {
  if (a.empty() && b.empty()) return 1;
  const std::size_t total = a.size() + b.size();
  const std::size_t head = common_prefix(a, b);
  a.remove_prefix(head);
  b.remove_prefix(head);
  const std::size_t tail = common_suffix(a, b);
  a.remove_suffix(tail);
  b.remove_suffix(tail);
  const std::size_t common = head + tail + bytes_of_common_lines(a, b);
  return 2.0 * static_cast<double>(common) / static_cast<double>(total);
}

Json to_json(const std::vector<LineChange>& changes) {
  Json list = Json::array();
  for (const LineChange& change : changes) {
    Json item = Json::object({{"op", op_name(change.kind)}});
    if (change.kind == LineChange::Kind::kSkipped) {
      item.set("skipped", change.skipped);
    } else {
      item.set("text", change.text);
    }
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace agdb
