#include "debug/store/text_order.h"

#include <algorithm>
#include <string>

#include "debug/store/settings.h"
#include "debug/store/totals.h"

namespace agdb {
namespace {

// Where the index stood when its parts were last gathered: the next trace's number.
constexpr std::string_view kInOrderTo = "texts_in_order_to";
constexpr std::string_view kUnderWay = "texts_being_put_in_order";
// Fewer new traces lie in parts so small that they cost a search nothing.
constexpr std::int64_t kFewNew = 1000;

// Pages of 4 KB that one step writes.
constexpr const char* kBegin = "INSERT INTO run_text (run_text, rank) VALUES ('merge', -100)";
constexpr const char* kGoOn = "INSERT INTO run_text (run_text, rank) VALUES ('merge', 100)";

Result<bool> is_worth_it(Database& database, std::int64_t next_id) {
  AGDB_TRY(const std::int64_t in_order_to, setting(database, kInOrderTo));
  AGDB_TRY(const std::int64_t live, live_count(database));
  return next_id - in_order_to >= std::max(kFewNew, live / 4);
}

}  // namespace

Result<bool> put_texts_in_order(Database& database) {
  AGDB_TRY(const std::int64_t under_way, setting(database, kUnderWay));
  if (under_way == 0) {
    AGDB_TRY(const std::int64_t next_id, setting(database, "next_id"));
    AGDB_TRY(const bool worth_it, is_worth_it(database, next_id));
    if (!worth_it) return false;
    AGDB_CHECK_OK(set_setting(database, kInOrderTo, next_id));
    AGDB_CHECK_OK(set_setting(database, kUnderWay, 1));
  }
  const std::int64_t before = database.total_changes();
  AGDB_CHECK_OK(database.execute(under_way == 0 ? kBegin : kGoOn));
  // The command itself counts as one change.
  if (database.total_changes() - before >= 2) return true;
  AGDB_CHECK_OK(set_setting(database, kUnderWay, 0));
  return under_way == 0;
}

}  // namespace agdb
