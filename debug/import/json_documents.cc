#include "debug/import/json_documents.h"

#include <algorithm>
#include <utility>

namespace agdb {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

class DocumentReader {
 public:
  DocumentReader(std::string_view text, ParseNotes* notes,
                 const std::function<bool(Json&&, std::uint64_t)>& sink)
      : text_(text), notes_(notes), sink_(&sink) {}

  JsonDocuments read() {
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
    while (going_ && skip_blank()) {
      if (!read_line() && going_ && !read_spanning()) give_up_line();
    }
    return std::move(found_);
  }

 private:
  // Moves on to what is not blank; false at the end.
  bool skip_blank() {
    for (; at_ < text_.size() && kBlank.contains(text_[at_]); ++at_) line_ += text_[at_] == '\n';
    return at_ < text_.size();
  }

  bool take(std::string_view document) {
    auto value = parse_json(document, notes_);
    if (!value) {
      error_ = std::move(value).error();
      return false;
    }
    ++found_.documents;
    going_ = (*sink_)(std::move(*value), line_);
    line_ += static_cast<std::uint64_t>(std::count(document.begin(), document.end(), '\n'));
    at_ += document.size();
    return true;
  }

  // The documents that stand whole on this line; false when something is left of it.
  bool read_line() {
    line_end_ = std::min(text_.find('\n', at_), text_.size());
    while (going_) {
      at_ = std::min(text_.find_first_not_of(kBlank, at_), text_.size());
      if (at_ >= line_end_) {
        at_ = line_end_;
        return true;
      }
      const std::string_view rest = text_.substr(at_, line_end_ - at_);
      const auto end = end_of_first_document(rest);
      if (!end || !take(rest.substr(0, *end))) return false;
    }
    return true;
  }

  // A document that goes on beyond this line. After one that did not end, or was none, no other is
  // tried: else a file of opening brackets would be read again from each of its lines.
  bool read_spanning() {
    if (no_more_spanning_) return false;
    const auto end = end_of_first_document(text_.substr(at_));
    if (end && take(text_.substr(at_, *end))) return true;
    no_more_spanning_ = true;
    if (end) return false;
    auto all = parse_json(text_.substr(at_));
    error_ = all ? Error{Code::kCorrupt, "neither an object nor a list"} : std::move(all).error();
    return false;
  }

  void give_up_line() {
    if (found_.bad_lines++ == 0) {
      found_.first_error = std::move(error_);
      found_.first_bad_line = line_;
    }
    at_ = line_end_;
  }

  std::string_view text_;
  ParseNotes* notes_;
  const std::function<bool(Json&&, std::uint64_t)>* sink_;
  JsonDocuments found_;
  Error error_;
  std::size_t at_ = 0;
  std::size_t line_end_ = 0;
  std::uint64_t line_ = 1;
  bool going_ = true;
  bool no_more_spanning_ = false;
};

}  // namespace

JsonDocuments read_json_documents(std::string_view text, ParseNotes* notes,
                                  const std::function<bool(Json&&, std::uint64_t line)>& sink) {
  return DocumentReader(text, notes, sink).read();
}

}  // namespace agdb
