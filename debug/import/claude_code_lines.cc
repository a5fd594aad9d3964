#include "debug/import/claude_code_lines.h"

#include <algorithm>
#include <array>
#include <utility>

#include "debug/import/json_documents.h"
#include "debug/import/log_time.h"

namespace agdb {
namespace {

using Kind = ClaudeLine::Kind;

// What Claude Code keeps for itself: titles, file backups, modes of its user interface. Types that
// say what the model got instead of what stands in the file (content-replacement,
// marble-origami-commit, history-suppression, fork-context-ref) are not here: they count as not
// understood.
constexpr std::array<std::string_view, 31> kBookkeepingTypes = {"agent-color",
                                                                "agent-name",
                                                                "agent-setting",
                                                                "ai-title",
                                                                "api-request-blob",
                                                                "api-request-shape",
                                                                "atis-latch",
                                                                "attribution-snapshot",
                                                                "bridge-session",
                                                                "continued-in",
                                                                "cost-state",
                                                                "custom-title",
                                                                "dev-mods",
                                                                "ended-by-model",
                                                                "file-history-delta",
                                                                "file-history-snapshot",
                                                                "frame-link",
                                                                "isolation-latch",
                                                                "last-prompt",
                                                                "memory-mode",
                                                                "mode",
                                                                "observer-ref",
                                                                "permission-mode",
                                                                "pr-link",
                                                                "queue-operation",
                                                                "relocated",
                                                                "speculation-accept",
                                                                "summary",
                                                                "tag",
                                                                "task-summary",
                                                                "worktree-state"};

bool is_bookkeeping(std::string_view type) {
  return std::find(kBookkeepingTypes.begin(), kBookkeepingTypes.end(), type) !=
         kBookkeepingTypes.end();
}

Kind kind_of(std::string_view type) {
  if (type == "user") return Kind::kUser;
  if (type == "assistant") return Kind::kAssistant;
  if (type == "attachment") return Kind::kAttachment;
  if (type == "system") return Kind::kSystem;
  return Kind::kLink;
}

Json take(Json& object, std::string_view key) {
  Json* member = object.find(key);
  return member == nullptr ? Json() : std::move(*member);
}

std::string own(std::string_view text) {
  return std::string(text);
}

void read_place(const Json& record, ClaudeLine& line) {
  line.uuid = record.text("uuid");
  line.agent_id = record.text("agentId");
  line.is_sidechain = record.boolean("isSidechain");
  line.time = read_log_time(record["timestamp"]);
  const Json* parent = record.find("parentUuid");
  if (parent == nullptr) return;
  line.parent_uuid = parent->to_string().value_or("");
  line.parent_is =
      line.parent_uuid.empty() ? ClaudeLine::Parent::kNull : ClaudeLine::Parent::kNamed;
}

void read_message_fields(const Json& record, ClaudeLine& line) {
  line.is_meta = record.boolean("isMeta");
  line.is_compact_summary = record.boolean("isCompactSummary");
  line.is_api_error = record.boolean("isApiErrorMessage");
  line.is_display_only = record.boolean("isVirtual");
  line.request_id = record.text("requestId");
  if (const auto cost = record["costUSD"].to_double(); cost && *cost >= 0) line.cost_usd = cost;
  if (const auto millis = record["durationMs"].to_double())
    line.took = read_log_seconds(Json(*millis / 1000));
  const Json& result = record["toolUseResult"];
  line.spawned_agent = result.text("agentId");
  line.spawn_status = result.text("status");
}

// A record that has a place in the tree or speaks to the model.
ClaudeLine read_line(Json& record, Kind kind) {
  ClaudeLine line;
  line.kind = kind;
  read_place(record, line);
  if (kind == Kind::kUser || kind == Kind::kAssistant) {
    read_message_fields(record, line);
    line.body = take(record, "message");
  } else if (kind == Kind::kAttachment) {
    line.rendered = take(record, "rendered");
    line.body = take(record, "attachment");
  } else if (kind == Kind::kSystem) {
    line.body = std::move(record);
  }
  return line;
}

class FileReader {
 public:
  explicit FileReader(ImportTally& tally) : tally_(&tally) {}

  void record(Json& json) {
    ++file_.records;
    if (!json.is_object()) return tally_->not_understood("line not an object");
    const auto type = json["type"].to_string();
    if (!type || type->empty()) return tally_->not_understood("line without a type");
    session(json);
    if (*type == "progress") return progress(json);
    if (is_bookkeeping(*type)) return bookkeeping(json, own(*type));
    const Kind kind = kind_of(*type);
    if (kind == Kind::kLink) {
      tally_->not_understood("line type " + own(*type));
    } else {
      ++file_.known_records;
    }
    if (kind != Kind::kLink || json["uuid"].is_string()) file_.lines.push_back(placed(json, kind));
  }

  ClaudeFile finish() { return std::move(file_); }

 private:
  ClaudeLine placed(Json& json, Kind kind) {
    const bool timed = !json["timestamp"].is_null();
    ClaudeLine line = read_line(json, kind);
    if (timed && !line.time) tally_->not_understood("time that cannot be read");
    return line;
  }
  void session(const Json& json) {
    const auto id = json["sessionId"].to_string();
    const auto other = json["session_id"].to_string();
    const std::string_view name = id ? *id : other.value_or("");
    if (name.empty() || (!file_.session_ids.empty() && file_.session_ids.back() == name)) return;
    if (std::find(file_.session_ids.begin(), file_.session_ids.end(), name) ==
            file_.session_ids.end() &&
        file_.session_ids.size() < kMaxSessionIds)
      file_.session_ids.emplace_back(name);
  }

  void progress(Json& json) {
    ++file_.known_records;
    const std::string type = own(json["data"].text("type"));
    ClaudeLine line = placed(json, Kind::kLink);
    if (type == "agent_progress") {
      line.kind = Kind::kAgentProgress;
      line.agent_id = json["data"].text("agentId");
      line.tool_use_id = json.text("parentToolUseID");
      if (Json* data = json.find("data")) line.body = take(*data, "message");
    } else {
      tally_->bookkeeping(type.empty() ? "progress" : "progress:" + type);
    }
    file_.lines.push_back(std::move(line));
  }

  void bookkeeping(const Json& json, const std::string& type) {
    ++file_.known_records;
    tally_->bookkeeping(type);
    if (type == "custom-title") file_.custom_title = json.text("customTitle");
    if (type == "ai-title") file_.ai_title = json.text("aiTitle");
    if (type == "summary")
      file_.summaries.push_back({own(json.text("leafUuid")), own(json.text("summary"))});
  }

  // More than a resumed file has; keeps a hostile one from making the search for each quadratic.
  static constexpr std::size_t kMaxSessionIds = 64;

  ImportTally* tally_;
  ClaudeFile file_;
};

}  // namespace

ClaudeFile read_claude_file(std::string_view text, ImportTally& tally) {
  FileReader reader(tally);
  ParseNotes notes;
  const JsonDocuments read = read_json_documents(text, &notes, [&](Json&& json, std::uint64_t) {
    if (json.is_array()) {
      for (Json& item : json.items()) reader.record(item);
    } else {
      reader.record(json);
    }
    return true;
  });
  tally.not_understood("line not JSON", read.bad_lines);
  tally.not_understood("invalid UTF-8 byte", notes.invalid_utf8);
  tally.not_understood("lone surrogate", notes.lone_surrogates);
  ClaudeFile file = reader.finish();
  file.first_error = read.first_error;
  return file;
}

std::optional<ClaudeLine> read_nested_claude_line(const Json& record) {
  const Kind kind = kind_of(record.text("type"));
  if (kind != Kind::kUser && kind != Kind::kAssistant) return std::nullopt;
  Json copy = record;
  ClaudeLine line = read_line(copy, kind);
  line.is_sidechain = true;
  return line;
}

}  // namespace agdb
