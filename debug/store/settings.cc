#include "debug/store/settings.h"

#include <fmt/format.h>

namespace agdb {

Result<std::int64_t> setting(Database& database, std::string_view name) {
  AGDB_TRY(Query query, database.query("SELECT value FROM settings WHERE name = ?"));
  query.bind(name);
  AGDB_TRY(const bool row, query.step());
  if (!row) return fail(Code::kCorrupt, fmt::format("the store has no setting {}", name));
  return query.integer(0);
}

Status set_setting(Database& database, std::string_view name, std::int64_t value) {
  AGDB_TRY(Query query, database.query("UPDATE settings SET value = ? WHERE name = ?"));
  query.bind(value).bind(name);
  return query.run();
}

}  // namespace agdb
