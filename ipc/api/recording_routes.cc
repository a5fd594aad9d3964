#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <utility>

#include "debug/record/records_dir.h"
#include "debug/replay/context_diff.h"
#include "debug/replay/context_json.h"
#include "debug/replay/event_place.h"
#include "debug/replay/recorded_context.h"
#include "debug/replay/restorer.h"
#include "ipc/api/event_pages.h"
#include "ipc/api/masked_answer.h"
#include "ipc/api/page_parameters.h"
#include "ipc/api/recording_parameters.h"
#include "ipc/api/routes.h"
#include "ipc/api/run_parameters.h"
#include "ipc/api/schema.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;
using enum Parameter::Type;
using schema::text;

constexpr const char* kLinesType = "application/x-ndjson";
constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kPageBytes = 16 << 20;  // of a page that is one document

// A document whose members are those that the command line prints.
Json as_printed() {
  return schema::map(schema::any());
}

Handled list(const ApiCall& call, const ApiContext& context) {
  const RecordingPage page{.limit = name_page_limit_of(call),
                           .before = call.text("before"),
                           .roots_only = !call.boolean("all")};
  AGDB_TRY(const RecordingList found, list_recordings(context.records_dir, page));
  Json recordings = Json::array();
  for (const ListedRecording& each : found.recordings) {
    AGDB_TRY(Json json, metadata_json(each.metadata));
    recordings.push_back(std::move(json));
  }
  Json json = Json::object(
      {{"recordings", std::move(recordings)}, {"unreadable", found.unreadable.size()}});
  if (found.recordings.size() == page.limit)
    json.set("next", std::filesystem::path(found.recordings.back().folder).filename().string());
  return json_response(json);
}

Handled info(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Recording recording, open_recording(call, context));
  AGDB_TRY(const Json json, metadata_json(recording.metadata()));
  return json_response(json);
}

bool wants_lines(const HttpRequest& request) {
  return request.header("accept").value_or("").contains(kLinesType);
}

HttpResponse event_lines(std::shared_ptr<EventPages> pages, const ApiContext& context) {
  return {.headers = {{"Content-Type", kLinesType}},
          .source = [pages = std::move(pages), all = context.masked](std::string& out) {
            const std::uint64_t before = pages->masked().total();
            Result<bool> more = pages->next(out, "\n", kPieceBytes);
            *all += pages->masked().total() - before;
            return more;
          }};
}

Handled event_page(const ApiCall& call, EventPages& pages, const ApiContext& context) {
  std::string body = "{\"events\":[";
  AGDB_TRY(const bool cut, pages.next(body, ",", kPageBytes));
  if (cut)
    return fail(Code::kInvalid, "the page is too large",
                "a smaller limit, or Accept: application/x-ndjson");
  if (body.back() == ',') body.pop_back();
  body += "],\"next\":";
  body += pages.more() ? std::to_string(raw(*pages.more())) : "null";
  body += fmt::format(",\"unreadable\":{}}}", pages.unreadable());
  HttpResponse response = text_response(std::move(body), "application/json");
  if (!is_raw(call)) tell_masked(response, pages.masked(), context);
  return response;
}

Handled events(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(Filter filter, Filter::parse_all(call.texts("filter")));
  AGDB_TRY(Recording recording, open_recording(call, context));
  const bool lines = wants_lines(call.request());
  const std::int64_t otherwise = lines ? std::numeric_limits<std::int64_t>::max() : 1000;
  auto pages = std::make_shared<EventPages>(
      std::move(recording),
      EventPages::Wanted{
          .from = seq_of(call, "from").value_or(SeqNum{0}),
          .to = seq_of(call, "to").value_or(SeqNum{std::numeric_limits<std::uint64_t>::max()}),
          .limit = static_cast<std::uint64_t>(call.integer("limit", otherwise)),
          .filter = std::move(filter),
          .raw = is_raw(call)});
  if (lines) return event_lines(std::move(pages), context);
  return event_page(call, *pages, context);
}

Handled event(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Recording recording, open_recording(call, context));
  const SeqNum seq = *seq_of(call, "seq");
  AGDB_CHECK_OK(check_seq(recording, seq));
  AGDB_TRY(const Json json, event_and_context_json(recording, seq));
  return json_response(json);
}

std::optional<CtxId> ctx_of(const ApiCall& call) {
  const auto number = call.optional_integer("ctx");
  if (!number) return std::nullopt;
  return CtxId{static_cast<std::uint64_t>(*number)};
}

Handled context_at(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Recording recording, open_recording(call, context));
  AGDB_TRY(const SeqNum seq, seq_or_last(recording, seq_of(call, "at")));
  const Result<RestoredContext> found = recording.context_at(seq, ctx_of(call));
  if (!found) return std::unexpected(with_first_context(found.error(), recording));
  return json_response(context_json(*found));
}

Handled diff(const ApiCall& call, const ApiContext& context) {
  const SeqNum from = *seq_of(call, "from");
  const SeqNum to = *seq_of(call, "to");
  AGDB_TRY(const Recording recording, open_recording(call, context));
  AGDB_CHECK_OK(check_seq(recording, from));
  if (!call.has("with")) {
    AGDB_CHECK_OK(check_seq(recording, to));
    AGDB_TRY(const ContextDiff found, diff_contexts(recording, {from}, {to}));
    return json_response(to_json(found));
  }
  AGDB_TRY(const Recording other, open_recording(call, context, "with"));
  AGDB_CHECK_OK(check_seq(other, to));
  AGDB_TRY(const ContextDiff found, diff_contexts(recording, {from}, other, {to}));
  return json_response(to_json(found));
}

Handled growth(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Recording recording, open_recording(call, context));
  AGDB_TRY(const SeqNum seq, seq_or_last(recording, seq_of(call, "at")));
  return json_response(growth_json(growth_at(recording, seq, call.integer("budget")).growth));
}

Handled profile(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Recording recording, open_recording(call, context));
  AGDB_TRY(const SeqNum seq, seq_or_last(recording, seq_of(call, "at")));
  AGDB_TRY(const RecordedProfile found, profile_at(recording, seq, call.integer("budget")));
  return json_response(profile_json(found.profile));
}

Handled fork(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Recording recording, open_recording(call, context));
  const SeqNum seq = *seq_of(call, "at");
  AGDB_CHECK_OK(check_seq(recording, seq));
  const Result<ForkContext> restored = restore(recording, seq);
  if (!restored) return std::unexpected(with_first_context(restored.error(), recording));
  return json_response(to_chat_messages(*restored));
}

Parameter budget_parameter() {
  return {.name = "budget",
          .description = "another budget than the recorded one",
          .type = kInteger,
          .least = 1};
}

std::vector<Parameter> event_parameters() {
  return {record_id_parameter(),
          seq_parameter("from", "the first event"),
          seq_parameter("to", "the last event"),
          {.name = "limit",
           .description = "at most so many; of a page 1000 when it is missing, of lines all",
           .type = kInteger,
           .least = 1,
           .most = 1'000'000'000,
           .example = "100"},
          {.name = "filter",
           .description = "an expression as of `agdb show -e`: trace=%tool, status=failed; all "
                          "must hold",
           .repeated = true,
           .most = 1000}};
}

struct Ability {
  std::string path;
  std::string id;
  std::string summary;
  std::vector<Parameter> parameters;
  Handled (*handle)(const ApiCall& call, const ApiContext& context);
  Json schema = as_printed();
};

void add(RouteTable& table, const ApiContext& context, Ability ability) {
  table.add({.method = "GET",
             .path = std::move(ability.path),
             .id = std::move(ability.id),
             .tag = "recordings",
             .summary = std::move(ability.summary),
             .parameters = std::move(ability.parameters),
             .answers = {{.schema = std::move(ability.schema)}},
             .has_texts = true,
             .handler = [&context, handle = ability.handle](const ApiCall& call) {
               return handle(call, context);
             }});
}

void add_events(RouteTable& table, const ApiContext& context) {
  table.add({.method = "GET",
             .path = "/v1/recordings/{id}/events",
             .id = "listEvents",
             .tag = "recordings",
             .summary = "events as they are recorded: a page, or with Accept: "
                        "application/x-ndjson all of them as lines, streamed",
             .parameters = event_parameters(),
             .answers = {{.description = "`next` is the first event of the next page, or null",
                          .schema = schema::object({{"events", schema::list(schema::any())},
                                                    {"next", schema::any()},
                                                    {"unreadable", schema::integer()}}),
                          .other_types = {kLinesType}}},
             .has_texts = true,
             .handler = [&context](const ApiCall& call) { return events(call, context); }});
  add(table, context,
      {"/v1/recordings/{id}/events/{seq}",
       "getEvent",
       "one event, and all that the model knew then",
       {record_id_parameter(),
        {.name = "seq",
         .description = "an event's number",
         .in = Parameter::In::kPath,
         .type = kInteger,
         .example = "6"}},
       event});
}

}  // namespace

void add_recording_routes(RouteTable& table, ApiContext& context) {
  add(table, context,
      {"/v1/recordings", "listRecordings", "recordings, those of runs' roots, the newest first",
       joined({{{.name = "all",
                 .description = "children's too",
                 .type = kBoolean,
                 .otherwise = "false"}},
               name_page_parameters()}),
       list,
       schema::object(
           {{"recordings", schema::list(as_printed())}, {"unreadable", schema::integer()}},
           {{"next", schema::described(text(), "`before` of the next page, if there is one")}})});
  add(table, context,
      {"/v1/recordings/{id}",
       "getRecording",
       "what a recording is",
       {record_id_parameter()},
       info});
  add_events(table, context);
  const Parameter at = seq_parameter("at", "at this event; without it the last");
  add(table, context,
      {"/v1/recordings/{id}/context",
       "getContext",
       "what the model knew at an event",
       {record_id_parameter(),
        at,
        {.name = "ctx", .description = "this context; without it the last used", .type = kInteger}},
       context_at});
  add(table, context,
      {"/v1/recordings/{id}/diff",
       "diffContexts",
       "what changed between two events: prompt, messages, tokens",
       {record_id_parameter(),
        seq_parameter("from", "from this event", true),
        seq_parameter("to", "to this event", true),
        {.name = "with",
         .description = "`to` is an event of this recording",
         .least = 1,
         .most = 255}},
       diff});
  add(table, context,
      {"/v1/recordings/{id}/growth",
       "getGrowth",
       "tokens spent call by call, and when the budget will be spent",
       {record_id_parameter(), at, budget_parameter()},
       growth});
  add(table, context,
      {"/v1/recordings/{id}/profile",
       "getProfile",
       "what fills the context: by age, by source, and what could go",
       {record_id_parameter(), at, budget_parameter()},
       profile});
  add(table, context,
      {"/v1/recordings/{id}/fork",
       "getFork",
       "the context that a fork begins with, as model APIs take it",
       {record_id_parameter(), seq_parameter("at", "the event to fork from", true)},
       fork,
       schema::any()});
}

}  // namespace agdb
