#include "ipc/api/recording_parameters.h"

#include <utility>

#include "debug/record/record_id.h"
#include "debug/record/records_dir.h"

namespace agdb {

Parameter record_id_parameter() {
  return {.name = "id",
          .description = "a recording's id; @: the newest run's",
          .in = Parameter::In::kPath,
          .least = 1,
          .most = 255,
          .example = "1-1763712345"};
}

Result<std::string> recording_folder(const ApiCall& call, const ApiContext& context,
                                     std::string_view name) {
  const std::string id = call.text(name);
  if (id == "@") return resolve_recording(context.records_dir, context.records_dir, id);
  AGDB_CHECK_OK(check_record_id(id));
  return find_recording(context.records_dir, id);
}

Result<Recording> open_recording(const ApiCall& call, const ApiContext& context,
                                 std::string_view name) {
  AGDB_TRY(const std::string folder, recording_folder(call, context, name));
  return Recording::open(folder);
}

Parameter seq_parameter(std::string name, std::string description, bool required) {
  return {.name = std::move(name),
          .description = std::move(description),
          .type = Parameter::Type::kInteger,
          .required = required,
          .example = required ? "6" : ""};
}

std::optional<SeqNum> seq_of(const ApiCall& call, std::string_view name) {
  const std::optional<std::int64_t> number = call.optional_integer(name);
  if (!number) return std::nullopt;
  return SeqNum{static_cast<std::uint64_t>(*number)};
}

}  // namespace agdb
