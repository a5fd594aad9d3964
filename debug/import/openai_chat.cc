#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "debug/import/chat_message.h"
#include "debug/import/chat_run.h"
#include "debug/import/import_tally.h"
#include "debug/import/importers.h"
#include "debug/import/json_documents.h"
#include "debug/import/log_time.h"

namespace agdb {
namespace {

constexpr std::string_view kExpected =
    "expected messages with a role, tau-bench runs, tau2-bench simulations, logs of single model "
    "calls, or JSON lines of these";

// What an object around messages may hold beside what is read from it: facts about the other tool's
// experiment, and repetitions of what the messages say.
constexpr std::string_view kKnownFields =
    "messages traj conversations conversation tools model usage request response choices "
    "error cost timestamp latency_sec kwargs id custom_id object created task_id trial "
    "reward info reward_info termination_reason seed start_time end_time duration "
    "agent_cost user_cost raw_messages raw_response context_window temperature top_p "
    "max_tokens tool_choice stream parallel_tool_calls service_tier functions function_call "
    "mode system_fingerprint method url max_completion_tokens policy simulations tasks";

const Json& list_of_messages(const Json& object) {
  for (const std::string_view key : {"messages", "traj", "conversations", "conversation"}) {
    const Json& list = object[key];
    if (list.is_array()) return list;
  }
  return object["messages"];
}

// Numbers and texts alike: task ids are both.
std::string id_text(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.string() : dump(value);
}

std::string task_name(const Json& run) {
  std::string name;
  if (const std::string task = id_text(run["task_id"]); !task.empty()) name = "task " + task;
  if (const std::string trial = id_text(run["trial"]); !trial.empty())
    name += (name.empty() ? "trial " : " trial ") + trial;
  return name;
}

// tau2-bench: the user or the agent saying that it is done is how a run ends by itself.
std::string exit_reason_of(const Json& simulation) {
  const std::string_view word = simulation.text("termination_reason");
  return word == "user_stop" || word == "agent_stop" ? "completed" : std::string(word);
}

std::string error_text(const Json& error) {
  if (error.is_null() || error == Json(false)) return {};
  if (error.is_string()) return error.string();
  const std::string_view message = error.text("message");
  return message.empty() ? dump(error) : std::string(message);
}

// Reads documents of any of the shapes, one after the other, into one SessionLog.
class ChatLogReader {
 public:
  explicit ChatLogReader(SessionLog& log) : log_(log), tally_(log) {}

  // `name` tells the document from others of the file; empty when it stands alone.
  void read_document(const Json& document, const std::string& name) {
    if (is_chat_message(document)) {
      loose_.push_back(document);
      return;
    }
    end_loose_messages();
    if (document.is_array()) return read_list(document.items(), name);
    read_object(document, name);
  }

  // Messages that were documents of their own are one conversation.
  void end_loose_messages() {
    if (loose_.empty()) return;
    add_conversation(std::exchange(loose_, {}), {});
  }

  // Whether any document had a shape that is known.
  bool understood() const { return understood_; }

 private:
  void read_list(const Json::Array& list, const std::string& name) {
    if (list.empty()) {
      understood_ = true;
    } else if (is_chat_message(list.front())) {
      ChatRunFacts facts;
      facts.name = name;
      add_conversation(list, std::move(facts));
    } else {
      read_runs(list, name);
    }
  }

  void read_runs(const Json::Array& list, const std::string& name) {
    const std::string prefix = name.empty() ? "run " : name + " run ";
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Json& run = list[i];
      if (run.is_array() && !run.empty() && is_chat_message(run.items().front())) {
        read_list(run.items(), prefix + std::to_string(i + 1));
      } else {
        read_object(run, list.size() == 1 ? name : prefix + std::to_string(i + 1));
      }
    }
  }

  void read_object(const Json& object, const std::string& name) {
    if (object["simulations"].is_array()) {
      read_simulations(object);
    } else if (object["traj"].is_array()) {
      read_tau_run(object);
    } else if (has_call(object)) {
      read_call(object, name);
    } else if (list_of_messages(object).is_array()) {
      read_conversation(object, name, {});
    } else if (object["body"].is_object() && !object["body"]["body"].is_object()) {
      read_object(object["body"], name);  // a line of a request batch
    } else {
      tally_.not_understood(object.is_object() ? "object of an unknown form"
                                               : "value that is no object");
    }
  }

  // {task_id, trial, reward, info, traj}
  void read_tau_run(const Json& run) {
    tally_.unknown_fields(run, kKnownFields, "field ");
    ChatRunFacts facts;
    facts.name = task_name(run);
    facts.intent = run["info"]["task"].text("instruction");
    facts.errors_by_text = true;
    if (const std::string error = error_text(run["info"]["error"]); !error.empty())
      facts.exit_reason = "error: " + error;
    if (!run["reward"].is_null()) tally_.bookkeeping("verdict");
    add_conversation(run["traj"].items(), std::move(facts));
  }

  // {info, tasks, simulations}
  void read_simulations(const Json& file) {
    understood_ = true;
    tally_.unknown_fields(file, kKnownFields, "field ");
    tally_.bookkeeping("task description", file["tasks"].size());
    const Json& info = file["info"];
    for (const Json& simulation : file["simulations"].items()) {
      if (!simulation["messages"].is_array()) {
        tally_.not_understood("simulation without messages");
        continue;
      }
      ChatRunFacts facts;
      facts.model = info["agent_info"].text("llm");
      if (const auto policy = info["environment_info"]["policy"].to_string())
        facts.system_prompt = *policy;
      read_conversation(simulation, {}, std::move(facts));
    }
  }

  // An object with "messages": a simulation, an example for fine-tuning, a request.
  void read_conversation(const Json& object, const std::string& name, ChatRunFacts facts) {
    tally_.unknown_fields(object, kKnownFields, "field ");
    facts.name = task_name(object);
    if (facts.name.empty()) facts.name = name;
    if (facts.model.empty()) facts.model = object.text("model");
    if (const auto policy = object["policy"].to_string()) facts.system_prompt = *policy;
    facts.exit_reason = exit_reason_of(object);
    if (const std::string error = error_text(object["error"]);
        !error.empty() && facts.exit_reason.empty())
      facts.exit_reason = "error: " + error;
    if (!says_nothing(object["response"])) tally_.not_understood("response of an unknown form");
    if (!object["reward_info"].is_null()) tally_.bookkeeping("verdict");
    tally_.bookkeeping("tool definition", object["tools"].size() + object["functions"].size());
    add_conversation(list_of_messages(object).items(), std::move(facts), read_usage(object));
  }

  // Counts beside the messages belong to the answer, when there is just one; else nobody can say to
  // which.
  std::optional<ChatMessage::Usage> read_usage(const Json& object) {
    return read_chat_usage(object["usage"], tally_);
  }

  static const Json& request_of(const Json& object) {
    const Json& request = object["request"];
    const Json& body = request["body"];
    return body.is_object() ? body : request.is_object() ? request : object;
  }

  static const Json& response_of(const Json& object) {
    const Json& response = object["response"];
    if (response.is_object()) return response["body"].is_object() ? response["body"] : response;
    return object["choices"].is_array() ? object : response;
  }

  // One request and what came back: a log of one call.
  static bool has_call(const Json& object) {
    const Json& response = response_of(object);
    return request_of(object)["messages"].is_array()
               ? response.is_object() ||
                     (object.find("response") != nullptr && !object["error"].is_null())
               : response["choices"].is_array();
  }

  void read_call(const Json& object, const std::string& name) {
    tally_.unknown_fields(object, kKnownFields, "field ");
    const Json& request = request_of(object);
    const Json& response = response_of(object);
    tally_.bookkeeping("tool definition", request["tools"].size());
    tally_.bookkeeping("raw messages", object["raw_messages"].is_null() ? 0 : 1);
    tally_.bookkeeping("raw provider answer", object["raw_response"].is_null() ? 0 : 1);

    std::string error = error_text(object["error"]);
    if (error.empty()) error = error_text(response["error"]);
    auto answer = read_chat_response(response, tally_);
    if (!answer && error.empty()) tally_.not_understood("response without an answer");

    ChatRunFacts facts;
    facts.name = name;
    facts.model = request.text("model");
    const bool answered = answer.has_value();
    if (answered) error.clear();
    if (!error.empty()) facts.exit_reason = "error: " + error;
    ChatRunBuilder run(std::move(facts), tally_);
    run.add_context(read_messages(request["messages"]));
    if (answered || !error.empty()) {
      ChatMessage message = answered ? std::move(*answer) : ChatMessage{};
      if (const auto cost = object["cost"].to_double(); cost && *cost >= 0)
        message.cost_usd = *cost;
      add_timed_answer(run, object, response, std::move(message), std::move(error));
    }
    add(run.finish());
  }

  // `timestamp` is when the answer was complete; `created`, in whole seconds, is all that a bare
  // response tells.
  void add_timed_answer(ChatRunBuilder& run, const Json& object, const Json& response,
                        ChatMessage message, std::string error) {
    std::optional<WallTime> ended;
    for (const Json* time : {&object["timestamp"], &response["created"]}) {
      if (time->is_null() || ended) continue;
      ended = read_log_time(*time, &message.time_without_zone);
      if (!ended) tally_.not_understood("time that cannot be read");
    }
    message.time = ended;
    const auto latency = read_log_seconds(object["latency_sec"]);
    const auto began = ended && latency ? *ended - *latency : ended;
    run.add_answer(std::move(message), began, ended, std::move(error));
  }

  std::vector<ChatMessage> read_messages(const Json& list) {
    std::vector<ChatMessage> messages;
    if (!list.is_array()) return messages;
    for (const Json& message : list.items()) read_chat_message(message, tally_, messages);
    return messages;
  }

  void add_conversation(const Json::Array& list, ChatRunFacts facts,
                        std::optional<ChatMessage::Usage> usage = std::nullopt) {
    std::vector<ChatMessage> messages;
    for (const Json& message : list) read_chat_message(message, tally_, messages);
    if (usage) give_usage(*usage, messages);
    ChatRunBuilder run(std::move(facts), tally_);
    run.add(std::move(messages));
    add(run.finish());
  }

  void give_usage(const ChatMessage::Usage& usage, std::vector<ChatMessage>& messages) {
    ChatMessage* answer = nullptr;
    std::size_t answers = 0;
    for (ChatMessage& message : messages) {
      if (message.role != "assistant") continue;
      ++answers;
      answer = &message;
    }
    if (answers == 1 && !answer->usage) {
      answer->usage = usage;
    } else {
      tally_.bookkeeping("usage of a whole conversation");
    }
  }

  void add(SessionRun run) {
    understood_ = true;
    log_.runs.push_back(std::move(run));
  }

  SessionLog& log_;
  ImportTally tally_;
  Json::Array loose_;
  bool understood_ = false;
};

Error not_this_format(const JsonDocuments& read, const std::string& path) {
  if (read.documents == 0) {
    const std::string line = std::to_string(read.first_bad_line);
    return {Code::kCorrupt, path + ":" + line + ": not JSON: " + read.first_error.message,
            "check that the file is whole"};
  }
  return {Code::kInvalid, path + ": no conversation in it", std::string(kExpected)};
}

}  // namespace

Result<SessionLog> import_openai_chat(std::string_view text, const std::string& path) {
  SessionLog log;
  log.format = "openai-chat";
  ChatLogReader reader(log);
  ParseNotes notes;
  const std::size_t first_end = end_of_first_document(text).value_or(text.size());
  const bool alone = text.find_first_not_of(" \t\r\n", first_end) == std::string_view::npos;
  const JsonDocuments read =
      read_json_documents(text, &notes, [&](Json&& document, std::uint64_t line) {
        reader.read_document(document, alone ? "" : "line " + std::to_string(line));
        return true;
      });
  reader.end_loose_messages();
  if (read.documents + read.bad_lines > 0 && !reader.understood())
    return std::unexpected(not_this_format(read, path));
  ImportTally tally(log);
  tally.not_understood("line not JSON", read.bad_lines);
  tally.not_understood("byte not UTF-8", notes.invalid_utf8);
  tally.not_understood("lone surrogate", notes.lone_surrogates);
  return log;
}

}  // namespace agdb
