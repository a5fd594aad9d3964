#include "debug/import/claude_code_process.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "debug/import/claude_code_answer.h"
#include "debug/import/claude_code_attachment.h"
#include "debug/import/claude_code_content.h"
#include "debug/import/claude_code_context.h"
#include "debug/import/claude_code_tree.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

using Kind = ClaudeLine::Kind;
using Moment = ClaudeContext::Moment;
using Weight = ClaudeContext::Weight;
constexpr std::size_t kNone = ClaudeTree::kNone;

constexpr std::string_view kSyntheticModel = "<synthetic>";
constexpr std::string_view kInterruption = "[Request interrupted by user";

bool speaks(const ClaudeLine& line) {
  return line.kind == Kind::kUser || line.kind == Kind::kAssistant;
}

// What a command of the tool itself (/model, !ls) leaves: said by nobody to the model.
bool is_command_note(std::string_view text) {
  for (const std::string_view start :
       {"<command-", "<local-command-", "<bash-input>", "<bash-stdout>", "<bash-stderr>",
        "Caveat: The messages below"}) {
    if (text.starts_with(start)) return true;
  }
  return false;
}

// A compaction whose summary was not read yet.
struct Boundary {
  std::size_t line = kNone;
  std::vector<Moment> kept;
  bool kept_before_summary = false;
  std::vector<std::size_t> notes;  // attachments that stand before the summary
};

class ProcessBuilder {
 public:
  ProcessBuilder(const std::vector<const ClaudeLine*>& lines, ClaudeSeen& seen, ImportTally& tally)
      : lines_(&lines),
        seen_(&seen),
        tally_(&tally),
        tree_(order_claude_lines(lines)),
        moments_(lines.size()),
        entries_(lines.size()),
        may_bring_back_(kBringBackBytes) {}

  ClaudeProcess build() {
    for (at_ = 0; at_ < tree_.order.size(); ++at_) read(tree_.order[at_]);
    compact_now();
    if (!failures_.empty()) failed_call({}, std::nullopt, std::nullopt);
    finish();
    return std::move(built_);
  }

 private:
  // How the conversation stands, for the reason why it ended.
  enum class Last { kNothing, kWaiting, kAnswered, kFailed, kInterrupted };
  struct Answer {
    std::size_t item = 0;
    ClaudeAnswerContent content;
  };
  // A message that an earlier record brought already, put into the context once more.
  struct Copy {
    Moment moment;
    SessionAnswer answer;
    ClaudeAnswerContent content;
  };

  // What returning to branches that were left may copy, in bytes: far more than people do, and a
  // bound for a file that goes back and forth all the time.
  static constexpr std::uint64_t kBringBackBytes = std::uint64_t{64} << 20;
  // A rewind over less is believed without asking.
  static constexpr std::int64_t kTokensWorthALook = 4000;
  static constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;
  static constexpr std::size_t kLookAhead = 100;
  static constexpr std::size_t kMaxPrompts = 64;
  static constexpr std::size_t kMaxPromptBytes = 4096;

  std::vector<SessionItem>& items() { return built_.process.items; }
  const ClaudeLine& line(std::size_t i) const { return *(*lines_)[i]; }

  void read(std::size_t i) {
    moments_[i] = origin(i);
    built_.has_times = built_.has_times || line(i).time.has_value();
    if (!speaks(line(i))) return read_note(i);
    const std::size_t first = tree_.repeats[i];
    bool is_copy = false;
    if (first != kNone) {
      tally_->bookkeeping("repeated line");
      if (context_.holds(moments_[first]) || tree_.parent[first] == tree_.parent[i]) {
        moments_[i] = moments_[first];
        entries_[i] = entries_[first];
        return;
      }
      is_copy = true;
    } else if (!line(i).uuid.empty() && !seen_->uuids.insert(line(i).uuid).second) {
      tally_->bookkeeping("inherited line");
      is_copy = true;
    }
    if (line(i).kind == Kind::kUser) {
      user(i, is_copy);
    } else {
      assistant(i, is_copy);
    }
  }

  // The moment that a record follows. A parent that never reached the file was the newest message
  // in the writer's memory. A message without a parent begins a conversation; a note without one
  // does not.
  Moment origin(std::size_t i) const {
    if (tree_.parent[i] != kNone) return moments_[tree_.parent[i]];
    if (speaks(line(i)) && line(i).parent_is == ClaudeLine::Parent::kNull)
      return context_.beginning();
    return context_.now();
  }

  void read_note(std::size_t i) {
    if (tree_.repeats[i] != kNone) return;
    if (line(i).kind == Kind::kAttachment) return attachment(i);
    if (line(i).kind == Kind::kSystem) return system(i);
  }

  // --- The context

  // Brings the context to where record `i` stands.
  void follow(std::size_t i) {
    compact_now();
    if (context_.is_left(moments_[i]) && may_bring_back_ == 0)
      return tally_->not_understood("return to a branch that was left");
    if (context_.needs_move(moments_[i]) && tokens_tell_otherwise(i))
      return tally_->bookkeeping("parent that the token counts contradict");
    const ClaudeContext::Move move = context_.go_to(moments_[i]);
    if (!move.is_needed) return;
    SessionEdit edit;
    edit.kind = SessionEdit::Kind::kCompact;
    edit.keep = move.keep;
    for (const ClaudeContext::Source source : move.again)
      edit.messages.push_back(bring_back(source));
    edit.time = line(i).time;
    items().emplace_back(std::move(edit));
  }

  // Whether the conversation went on although its tree says that it went back: versions of Claude
  // Code are known to write wrong parents. Going back over much makes the next request much
  // smaller; one that is as large as what stands here had all of it before it.
  bool tokens_tell_otherwise(std::size_t i) const {
    const std::int64_t here = tokens_behind(context_.answer_at(context_.now()));
    const std::int64_t there = tokens_behind(context_.answer_at(moments_[i]));
    const std::int64_t left = here - there;
    if (left < kTokensWorthALook || left < here / 4) return false;
    const std::int64_t next = next_request();
    return next >= here - left / 4 && next <= here + left;
  }

  // How large the context was behind an answer, as the provider counted; 0 when it did not.
  std::int64_t tokens_behind(std::optional<std::size_t> answer) const {
    if (!answer) return 0;
    const auto& response = std::get<SessionAnswer>(built_.process.items[*answer]).response;
    return std::min(response.request_tokens, kMostTokens) +
           std::min(response.response_tokens, kMostTokens);
  }

  // The size of the next request; 0 when none is near.
  std::int64_t next_request() const {
    const std::size_t end = std::min(tree_.order.size(), at_ + kLookAhead);
    for (std::size_t at = at_; at < end; ++at) {
      const ClaudeLine& next = line(tree_.order[at]);
      if (next.kind != Kind::kAssistant || tree_.repeats[tree_.order[at]] != kNone) continue;
      SessionAnswer answer;
      SessionLog told_when_it_is_taken;
      ImportTally unused(told_when_it_is_taken);
      read_claude_call(next, answer, unused);
      if (answer.response.request_tokens > 0) return answer.response.request_tokens;
    }
    return 0;
  }

  Message bring_back(ClaudeContext::Source source) {
    Message message = message_of(source);
    const std::uint64_t bytes = 256 + message.content.size() + 1024 * message.tool_calls.size();
    may_bring_back_ -= std::min(may_bring_back_, bytes);
    return message;
  }

  Message message_of(ClaudeContext::Source source) const {
    const SessionItem& item = built_.process.items[source.item];
    if (const auto* edit = std::get_if<SessionEdit>(&item)) return edit->messages[source.message];
    if (const auto* answer = std::get_if<SessionAnswer>(&item)) return claude_message_of(*answer);
    const auto& result = std::get<SessionToolResult>(item);
    const ToolCall& call = std::get<SessionAnswer>(built_.process.items[result.answer])
                               .response.tool_calls[result.call];
    Message message{.role = "tool", .content = result.content};
    message.name = call.name;
    message.tool_call_id = call.id;
    return message;
  }

  // The newest item, as the newest message of the context.
  void push(std::size_t i, Weight weight, bool is_answer = false) {
    moments_[i] = context_.push({items().size() - 1, 0}, weight, line(i).time, is_answer);
    entries_[i].push_back(moments_[i]);
  }

  void append(std::size_t i, Message message, Weight weight) {
    compact_now();
    SessionEdit edit;
    edit.messages.push_back(std::move(message));
    edit.time = line(i).time;
    items().emplace_back(std::move(edit));
    push(i, weight);
  }

  // --- Compaction

  void boundary(std::size_t i) {
    compact_now();
    const Json& metadata = line(i).body["compactMetadata"];
    boundary_.emplace();
    boundary_->line = i;
    boundary_->kept = kept_messages(metadata);
    std::string_view anchor = metadata["preservedMessages"].text("anchorUuid");
    if (anchor.empty()) anchor = metadata["preservedSegment"].text("anchorUuid");
    boundary_->kept_before_summary = !anchor.empty() && anchor == line(i).uuid;
    moments_[i] = context_.now();
  }

  // The messages that outlive a compaction, as newer versions name them: one by one, or the first
  // and the last of them.
  std::vector<Moment> kept_messages(const Json& metadata) {
    std::vector<Moment> kept;
    if (may_bring_back_ == 0) {
      tally_->not_understood("messages kept by a compaction");
      return kept;
    }
    const Json& uuids = metadata["preservedMessages"]["uuids"];
    if (uuids.is_array()) {
      std::unordered_set<std::size_t> known;
      for (const Json& uuid : uuids.items()) {
        for (const Moment moment : messages_of(uuid)) {
          if (known.insert(moment.entry).second) kept.push_back(moment);
        }
      }
      return kept;
    }
    const std::vector<Moment> head = messages_of(metadata["preservedSegment"]["headUuid"]);
    const std::vector<Moment> tail = messages_of(metadata["preservedSegment"]["tailUuid"]);
    if (head.empty() || tail.empty()) return kept;
    return context_.between(head.front(), tail.back());
  }

  // Those in the context that the record of that uuid brought.
  std::vector<Moment> messages_of(const Json& uuid) {
    if (by_uuid_.empty()) {
      for (std::size_t i = 0; i < lines_->size(); ++i) by_uuid_.emplace(line(i).uuid, i);
    }
    std::vector<Moment> messages;
    const auto at = by_uuid_.find(uuid.to_string().value_or(""));
    if (at == by_uuid_.end() || at->first.empty()) return messages;
    for (const Moment moment : entries_[at->second]) {
      if (context_.holds(moment)) messages.push_back(moment);
    }
    return messages;
  }

  // A boundary without a summary: what is left is what it keeps.
  void compact_now() {
    if (boundary_) compact(boundary_->line, std::nullopt);
  }

  // Empties the context but for what the boundary keeps, and puts the summary there.
  void compact(std::size_t i, std::optional<Message> summary) {
    const Boundary boundary = boundary_ ? std::move(*boundary_) : Boundary{};
    boundary_.reset();
    std::size_t in_place = 0;
    while (boundary.kept_before_summary && in_place < boundary.kept.size() &&
           context_.place_of(boundary.kept[in_place]) == in_place)
      ++in_place;
    SessionEdit edit;
    edit.kind = SessionEdit::Kind::kCompact;
    edit.keep = in_place;
    edit.time = line(i).time;
    std::vector<ClaudeContext::Source> sources;
    for (std::size_t k = 0; k < boundary.kept.size(); ++k) {
      sources.push_back(context_.source_of(boundary.kept[k]));
      if (k >= in_place) edit.messages.push_back(bring_back(sources.back()));
    }
    const std::size_t summary_at =
        boundary.kept_before_summary ? edit.messages.size() : std::size_t{0};
    if (summary) edit.messages.insert(edit.messages.begin() + to_offset(summary_at), *summary);
    const std::size_t item = items().size();
    items().emplace_back(std::move(edit));

    context_.begin_epoch();
    const auto push_summary = [&] {
      if (!summary) return;
      moments_[i] = context_.push({item, summary_at}, Weight::kOpens, line(i).time);
      entries_[i].push_back(moments_[i]);
    };
    if (!boundary.kept_before_summary) push_summary();
    std::size_t message = summary && !boundary.kept_before_summary ? 1 : 0;
    for (std::size_t k = 0; k < boundary.kept.size(); ++k) {
      context_.keep_over_epoch(boundary.kept[k],
                               k < in_place ? sources[k] : ClaudeContext::Source{item, message++});
    }
    if (boundary.kept_before_summary) push_summary();
    moments_[i] = context_.now();
    if (boundary.line != kNone) moments_[boundary.line] = context_.now();
    for (const std::size_t note : boundary.notes) {
      moments_[note] = context_.now();
      attachment(note);
    }
  }

  static std::ptrdiff_t to_offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

  // --- What users and tools say

  void user(std::size_t i, bool is_copy) {
    if (!line(i).body.is_object()) return tally_->not_understood("user line without a message");
    if (line(i).is_display_only) return tally_->bookkeeping("line for display only");
    const std::vector<ClaudeUserPart> parts =
        read_claude_user_content(line(i).body["content"], *tally_);
    if (parts.empty()) return tally_->not_understood("user line without content");
    if (is_summary(i) && !is_copy) return summary(i, parts);
    const auto has_call = [&](const ClaudeUserPart& part) { return has_open_call_here(part); };
    // Parallel results hang on their calls, not on each other.
    if (is_copy || !std::all_of(parts.begin(), parts.end(), has_call)) follow(i);
    bool is_first_result = true;
    for (const ClaudeUserPart& part : parts) {
      if (!part.is_result) {
        prompt(i, part.text);
      } else {
        result(i, part, is_copy, is_first_result);
        is_first_result = false;
      }
    }
  }

  // Whether the part is the result of a call that the context has, or had before a compaction.
  bool has_open_call_here(const ClaudeUserPart& part) const {
    const ClaudeCall* call = part.is_result ? calls_.open(part.call_id) : nullptr;
    if (call == nullptr) return false;
    const Moment moment = item_moments_.at(call->answer);
    return context_.holds(moment) || context_.is_gone(moment);
  }

  // Early versions do not mark it, but it is what stands right behind the boundary.
  bool is_summary(std::size_t i) const {
    return line(i).is_compact_summary || (boundary_ && tree_.parent[i] == boundary_->line);
  }

  void summary(std::size_t i, const std::vector<ClaudeUserPart>& parts) {
    Message message{.role = "user", .content = ""};
    for (const ClaudeUserPart& part : parts) message.content += part.text;
    // A session that goes on from another one begins with the summary of that.
    if (!boundary_ && context_.size() == 0) return append(i, std::move(message), Weight::kOpens);
    compact(i, std::move(message));
  }

  void prompt(std::size_t i, std::string_view text) {
    append(i, Message{.role = "user", .content = std::string(text)},
           line(i).is_meta ? Weight::kFollows : Weight::kOpens);
    if (built_.first_message.empty()) built_.first_message = text;
    if (text.starts_with(kInterruption)) {
      last_ = Last::kInterrupted;
    } else if (!line(i).is_meta && !is_command_note(text)) {
      last_ = Last::kWaiting;
    }
    if (!line(i).is_meta && built_.prompts.size() < kMaxPrompts)
      built_.prompts.emplace_back(prefix_of_bytes(text, kMaxPromptBytes));
  }

  void result(std::size_t i, const ClaudeUserPart& part, bool is_copy, bool is_first) {
    ClaudeCall* call = is_copy ? nullptr : calls_.close(part.call_id);
    if (call == nullptr) return stray_result(i, part, is_copy);
    compact_now();
    SessionToolResult result;
    result.answer = call->answer;
    result.call = call->call;
    result.content = part.text;
    result.is_error = part.is_error;
    result.ended = line(i).time;
    if (call->time && (!result.ended || *call->time <= *result.ended)) result.began = call->time;
    call->result = items().size();
    if (is_first) {
      call->spawned_agent = line(i).spawned_agent;
      call->spawn_status = line(i).spawn_status;
    }
    items().emplace_back(std::move(result));
    push(i, Weight::kFollows);
    item_moments_[items().size() - 1] = moments_[i];
    last_ = Last::kWaiting;
  }

  // A result whose call is not here: the file begins after it, or it is a copy. The model has it in
  // its context all the same.
  void stray_result(std::size_t i, const ClaudeUserPart& part, bool is_copy) {
    const ClaudeCall* call = is_copy ? nullptr : calls_.newest(part.call_id);
    if (call != nullptr) {
      tally_->bookkeeping("repeated tool result");
      if (call->result && context_.holds(item_moments_.at(*call->result))) return;
    } else if (!is_copy) {
      tally_->not_understood("tool result without a call");
    }
    Message message{.role = "tool", .content = part.text};
    message.tool_call_id = part.call_id;
    append(i, std::move(message), Weight::kFollows);
  }

  // --- What models say

  void assistant(std::size_t i, bool is_copy) {
    if (!line(i).body.is_object())
      return tally_->not_understood("assistant line without a message");
    if (line(i).is_display_only) return tally_->bookkeeping("line for display only");
    if (line(i).body.text("model") == kSyntheticModel || line(i).is_api_error) return synthetic(i);
    const std::string key = answer_key(i);
    if (answers_.contains(key)) {
      if (!go_on(i, key)) copy_answer(i, key);
      return;
    }
    if (is_copy || copies_.contains(key)) return copy_answer(i, key);
    const bool has_id = !line(i).body.text("id").empty();
    if (has_id && !seen_->answers.insert(key).second) return copy_answer(i, key);
    new_answer(i, key);
  }

  // Records of one answer share it: the message id, and where it is told the request id, since
  // there are providers that give all their answers one message id.
  std::string answer_key(std::size_t i) {
    const std::string id(line(i).body.text("id"));
    const std::string& request = line(i).request_id;
    if (id.empty() && request.empty())
      return line(i).uuid.empty() ? "line " + std::to_string(i) : "uuid " + line(i).uuid;
    const auto newest = newest_key_.find(id);
    if (newest != newest_key_.end() && (request.empty() || newest->second == id + '\n'))
      return newest->second;
    return newest_key_[id] = id + '\n' + request;
  }

  void new_answer(std::size_t i, const std::string& key) {
    follow(i);
    SessionAnswer answer;
    answer.began = request_time(i);
    answer.failures = std::exchange(failures_, {});
    const std::size_t item = items().size();
    items().emplace_back(std::move(answer));
    push(i, Weight::kOpens, true);
    item_moments_[item] = moments_[i];
    answers_[key].item = item;
    newest_answer_ = item;
    take_record(i, key);
  }

  // A further record of an answer. False: it brings nothing, and the answer is not in the context.
  bool go_on(std::size_t i, const std::string& key) {
    const Moment moment = item_moments_.at(answers_.at(key).item);
    if (!take_record(i, key) && !context_.holds(moment)) return false;
    moments_[i] = moment;
    entries_[i].push_back(moment);
    return true;
  }

  // Whether the record brought anything.
  bool take_record(std::size_t i, const std::string& key) {
    auto& [item, content] = answers_.at(key);
    auto& answer = std::get<SessionAnswer>(items()[item]);
    read_claude_call(line(i), answer, *tally_);
    const std::vector<ToolCall>& calls = answer.response.tool_calls;
    const std::size_t calls_before = calls.size();
    const std::size_t added = content.add(line(i).body["content"], answer, *tally_);
    for (std::size_t c = calls_before; c < calls.size(); ++c) {
      ClaudeCall call;
      call.answer = item;
      call.call = c;
      call.id = calls[c].id;
      call.time = line(i).time;
      calls_.add(std::move(call));
    }
    last_ = Last::kAnswered;
    return added > 0;
  }

  // The answer was counted already; here it only stands in the context.
  void copy_answer(std::size_t i, const std::string& key) {
    const auto known = copies_.find(key);
    const bool goes_on = known != copies_.end() && context_.holds(known->second.moment);
    Copy& copy = goes_on ? known->second : copies_.insert_or_assign(key, Copy{}).first->second;
    if (const auto counted = answers_.find(key); counted != answers_.end()) {
      copy.answer = std::get<SessionAnswer>(items()[counted->second.item]);
    } else {
      copy.content.add(line(i).body["content"], copy.answer, *tally_);
    }
    if (goes_on) {
      const ClaudeContext::Source source = context_.source_of(copy.moment);
      std::get<SessionEdit>(items()[source.item]).messages[source.message] =
          claude_message_of(copy.answer);
      moments_[i] = copy.moment;
    } else {
      follow(i);
      append(i, claude_message_of(copy.answer), Weight::kOpens);
      copy.moment = moments_[i];
    }
  }

  // Written by the tool in the model's name: an error that it gave up on, or a filler between two
  // messages of the user.
  void synthetic(std::size_t i) {
    const std::string text = read_claude_text(line(i).body["content"], *tally_);
    if (!line(i).is_api_error && !text.starts_with("API Error"))
      return tally_->bookkeeping("synthetic message");
    follow(i);
    failed_call(text.empty() ? "API error" : text, request_time(i), line(i).time);
  }

  // Without a text, the newest failure is the error.
  void failed_call(std::string error, std::optional<WallTime> began,
                   std::optional<WallTime> ended) {
    SessionAnswer answer;
    answer.failures = std::exchange(failures_, {});
    if (error.empty()) {
      error = std::move(answer.failures.back().error);
      ended = answer.failures.back().time;
      answer.failures.pop_back();
    }
    answer.response.error = std::move(error);
    answer.began = began;
    answer.ended = ended;
    items().emplace_back(std::move(answer));
    last_ = Last::kFailed;
  }

  // When the request of the answer that `i` begins left: right after what it answers was there.
  std::optional<WallTime> request_time(std::size_t i) const {
    const std::optional<WallTime> first = line(i).time;
    if (!first) return std::nullopt;
    if (line(i).took) return *first - *line(i).took;
    std::optional<WallTime> began;
    const auto take = [&](std::optional<WallTime> time) {
      if (time && *time <= *first && (!began || *began < *time)) began = time;
    };
    take(context_.newest());
    const std::size_t parent = tree_.parent[i];
    if (parent != kNone && line(parent).kind != Kind::kSystem) take(line(parent).time);
    return began;
  }

  // --- Notes

  void attachment(std::size_t i) {
    if (boundary_) return boundary_->notes.push_back(i);
    const std::string_view type = line(i).body.text("type");
    if (const std::string prompt = claude_prompt_snapshot(line(i)); !prompt.empty())
      return system_prompt(prompt);
    const std::vector<std::string> words = read_claude_attachment(line(i), *tally_);
    if (words.empty()) return tally_->bookkeeping("attachment:" + std::string(type));
    follow(i);
    for (const std::string& text : words)
      append(i, Message{.role = "user", .content = text}, Weight::kFollows);
    if (type == "queued_command") last_ = Last::kWaiting;
  }

  void system_prompt(const std::string& prompt) {
    std::optional<std::string>& known = built_.process.system_prompt;
    if (!known) {
      known = prompt;
    } else if (*known != prompt) {
      tally_->not_understood("change of the system prompt");
    }
  }

  void system(std::size_t i) {
    const std::string subtype(line(i).body.text("subtype"));
    const Json& content = line(i).body["content"];
    if (subtype == "compact_boundary") return boundary(i);
    if (subtype == "api_error") {
      failures_.push_back({claude_api_error(line(i).body), line(i).time});
    } else if (subtype == "local_command" && content.is_string()) {
      follow(i);
      append(i, Message{.role = "user", .content = content.string()}, Weight::kFollows);
    } else if (subtype == "microcompact_boundary" || !line(i).body["snipMetadata"].is_null()) {
      tally_->not_understood("system:" + subtype);
    } else {
      tally_->bookkeeping(subtype.empty() ? "system" : "system:" + subtype);
    }
  }

  // --- The end

  void finish() {
    SessionProcess& process = built_.process;
    process.provider = "anthropic";
    for (const SessionItem& item : process.items) {
      const auto* answer = std::get_if<SessionAnswer>(&item);
      if (answer != nullptr && process.model.empty()) process.model = answer->response.model;
    }
    process.exit_reason = exit_reason();
    built_.calls = std::move(calls_.all());
  }

  std::string exit_reason() const {
    switch (last_) {
      case Last::kInterrupted:
        return "interrupted";
      case Last::kFailed:
        return "api error";
      case Last::kAnswered:
        return newest_answer_ && calls_.has_open_call(*newest_answer_) ? "log ended" : "completed";
      case Last::kNothing:
      case Last::kWaiting:
        break;
    }
    return "log ended";
  }

  const std::vector<const ClaudeLine*>* lines_;
  ClaudeSeen* seen_;
  ImportTally* tally_;
  const ClaudeTree tree_;
  std::size_t at_ = 0;  // in the order of the tree
  ClaudeProcess built_;
  ClaudeContext context_;
  ClaudeCalls calls_;
  std::vector<Moment> moments_;               // per record: the context behind it
  std::vector<std::vector<Moment>> entries_;  // per record: the messages that it brought
  std::unordered_map<std::string_view, std::size_t> by_uuid_;
  std::unordered_map<std::string, std::string> newest_key_;  // by message id
  std::unordered_map<std::size_t, Moment> item_moments_;     // by item
  std::unordered_map<std::string, Answer> answers_;
  std::unordered_map<std::string, Copy> copies_;
  std::optional<Boundary> boundary_;  // read, its summary not yet
  std::vector<SessionFailure> failures_;
  std::optional<std::size_t> newest_answer_;
  std::uint64_t may_bring_back_;
  Last last_ = Last::kNothing;
};

}  // namespace

ClaudeProcess build_claude_process(const std::vector<const ClaudeLine*>& lines, ClaudeSeen& seen,
                                   ImportTally& tally) {
  return ProcessBuilder(lines, seen, tally).build();
}

}  // namespace agdb
