#include <string>

#include "debug/context/growth.h"

namespace agdb {
namespace {

Json history_json(const std::vector<TokenSnapshot>& history) {
  Json list = Json::array();
  for (const TokenSnapshot& snapshot : history)
    list.push_back(Json::object(
        {{"step", snapshot.step}, {"tokens", snapshot.tokens}, {"delta_ms", snapshot.delta_ms}}));
  return list;
}

// Reads the members of an object; the first one of a wrong type is the error.
class MemberReader {
  template <typename Read>
  auto read(std::string_view key, std::string_view expected, Read read_one) {
    using Value = typename decltype(read_one(object_))::value_type;
    const Json* member = object_.find(key);
    if (member == nullptr || member->is_null()) return Value{};
    if (const auto value = read_one(*member)) return *value;
    if (wrong_.empty()) wrong_ = std::string(key) + " is not " + std::string(expected);
    return Value{};
  }

 public:
  explicit MemberReader(const Json& object) : object_(object) {}

  std::int64_t integer(std::string_view key) {
    return read(key, "an integer", [](const Json& json) { return json.to_int(); });
  }
  std::uint64_t number(std::string_view key) {
    return read(key, "a positive integer", [](const Json& json) { return json.to_uint(); });
  }
  double real(std::string_view key) {
    return read(key, "a number", [](const Json& json) { return json.to_double(); });
  }
  bool boolean(std::string_view key) {
    return read(key, "true or false", [](const Json& json) { return json.to_bool(); });
  }

  Status status() const {
    if (wrong_.empty()) return {};
    return fail(Code::kCorrupt, "growth: " + wrong_);
  }

 private:
  const Json& object_;
  std::string wrong_;
};

Result<TokenSnapshot> snapshot_from_json(const Json& json) {
  MemberReader reader(json);
  const TokenSnapshot snapshot{reader.integer("step"), reader.integer("tokens"),
                               reader.integer("delta_ms")};
  AGDB_CHECK_OK(reader.status());
  return snapshot;
}

Result<AlertLevel> alert_level_from_json(const Json& json) {
  if (json.is_null()) return AlertLevel::kNone;
  for (const AlertLevel level : {AlertLevel::kNone, AlertLevel::kWarning, AlertLevel::kCritical})
    if (json.to_string() == name_of(level)) return level;
  return fail(Code::kCorrupt, "growth: alert_level is not none, warning or critical");
}

}  // namespace

Json growth_json(const Growth& growth) {
  Json json = Json::object({{"pid", raw(growth.pid)},
                            {"tokens_used", growth.tokens_used},
                            {"context_budget", growth.context_budget},
                            {"usage_pct", growth.usage_pct},
                            {"current_step", growth.current_step},
                            {"max_steps", growth.max_steps},
                            {"avg_tokens_per_step", growth.avg_tokens_per_step},
                            {"recent_rate", growth.recent_rate},
                            {"remaining_budget", growth.remaining_budget},
                            {"est_remaining", growth.est_remaining},
                            {"predict_exhaust", growth.predict_exhaust},
                            {"alert_level", name_of(growth.alert_level)},
                            {"history", history_json(growth.history)}});
  if (growth.forecast) json.set("forecast", forecast_json(*growth.forecast));
  return json;
}

Result<Growth> growth_from_json(const Json& json) {
  if (!json.is_object()) return fail(Code::kCorrupt, "growth: not an object");
  MemberReader reader(json);
  Growth growth;
  growth.pid = static_cast<Pid>(reader.number("pid"));
  growth.tokens_used = reader.integer("tokens_used");
  growth.context_budget = reader.integer("context_budget");
  growth.usage_pct = reader.real("usage_pct");
  growth.current_step = reader.integer("current_step");
  growth.max_steps = reader.integer("max_steps");
  growth.avg_tokens_per_step = reader.real("avg_tokens_per_step");
  growth.recent_rate = reader.real("recent_rate");
  growth.remaining_budget = reader.integer("remaining_budget");
  growth.est_remaining = reader.integer("est_remaining");
  growth.predict_exhaust = reader.boolean("predict_exhaust");
  AGDB_CHECK_OK(reader.status());
  AGDB_TRY(growth.alert_level, alert_level_from_json(json["alert_level"]));
  const Json& history = json["history"];
  if (!history.is_null() && !history.is_array())
    return fail(Code::kCorrupt, "growth: history is not a list");
  for (std::size_t i = 0; i < history.size(); ++i) {
    AGDB_TRY(const TokenSnapshot snapshot, snapshot_from_json(history.items()[i]));
    growth.history.push_back(snapshot);
  }
  return growth;
}

}  // namespace agdb
