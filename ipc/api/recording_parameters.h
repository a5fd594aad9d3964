#pragma once

#include <optional>
#include <string>

#include "debug/record/reader.h"
#include "ipc/api/api_call.h"
#include "ipc/api/api_context.h"

namespace agdb {

// What the routes about recordings share. An id of a URL names one of the folder of recordings, or
// nothing: it is checked before the file system sees it.

Parameter record_id_parameter();
// The one of the parameter `name`; "@" is the newest. Errors: no id (kInvalid), none there
// (kNotFound).
Result<std::string> recording_folder(const ApiCall& call, const ApiContext& context,
                                     std::string_view name = "id");
Result<Recording> open_recording(const ApiCall& call, const ApiContext& context,
                                 std::string_view name = "id");

Parameter seq_parameter(std::string name, std::string description, bool required = false);
std::optional<SeqNum> seq_of(const ApiCall& call, std::string_view name);

}  // namespace agdb
