#include <fmt/format.h>

#include "debug/context/profile.h"
#include "debug/context/section.h"
#include "runtime/events/printable.h"

namespace agdb {
namespace {

Json share_json(const ContextShare& share) {
  return Json::object({{"tokens", share.tokens}, {"messages", share.messages}, {"pct", share.pct}});
}

std::string share_line(std::string_view label, const ContextShare& share, std::string_view note) {
  return fmt::format("{:<18} {:>5} tok  {:5.1f}%  {:>2} msgs   ← {}\n", label, share.tokens,
                     share.pct, share.messages, note);
}

std::string limit_text(std::int64_t budget) {
  return budget > 0 ? fmt::format("{} budget", budget) : "no limit";
}

}  // namespace

Json profile_json(const ContextProfile& profile) {
  Json consumers = Json::array();
  for (const ContextConsumer& consumer : profile.top_consumers)
    consumers.push_back(Json::object({{"kind", consumer.kind},
                                      {"tokens", consumer.tokens},
                                      {"pct", consumer.pct},
                                      {"rank", consumer.rank}}));
  Json suggestions = Json::array();
  for (const std::string& suggestion : profile.suggestions) suggestions.push_back(suggestion);
  return Json::object({{"pid", raw(profile.pid)},
                       {"ctx_id", raw(profile.ctx_id)},
                       {"tokens_used", profile.tokens_used},
                       {"context_budget", profile.context_budget},
                       {"total_tokens", profile.total_tokens},
                       {"classification", Json::object({{"active", share_json(profile.active)},
                                                        {"warm", share_json(profile.warm)},
                                                        {"cold", share_json(profile.cold)},
                                                        {"leaked", share_json(profile.leaked)}})},
                       {"top_consumers", std::move(consumers)},
                       {"suggestions", std::move(suggestions)}});
}

std::string profile_text(const ContextProfile& profile) {
  std::string text =
      fmt::format("Ctx Profile: PID {}  |  CtxID {}  |  ~{} tok / {}\n", raw(profile.pid),
                  raw(profile.ctx_id), profile.total_tokens, limit_text(profile.context_budget));
  text += section("Classification", 37);
  text += share_line("Active", profile.active, "referenced by current reasoning");
  text += share_line("Warm", profile.warm, "recently used");
  text += share_line("Cold", profile.cold, "not referenced");
  text += share_line("Leaked", profile.leaked, "stale, not released");
  if (!profile.top_consumers.empty()) {
    text += section("Top Consumers", 38);
    for (const ContextConsumer& consumer : profile.top_consumers)
      text += fmt::format("#{:<2} {:<20} {:>5} tok  {:5.1f}%\n", consumer.rank,
                          printable(consumer.kind), consumer.tokens, consumer.pct);
  }
  if (!profile.suggestions.empty()) {
    text += section("Suggestions", 40);
    for (const std::string& suggestion : profile.suggestions)
      text += fmt::format("• {}\n", printable(suggestion));
  }
  return text;
}

}  // namespace agdb
