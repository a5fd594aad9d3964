#pragma once

#include <string>
#include <string_view>

#include "debug/secrets/secret_kind.h"
#include "ipc/api/api_call.h"

namespace agdb {

// Answers with content of recordings, agents and runs: secrets in it are masked, unless the request
// says raw=true. The header Agdb-Masked tells how many of which kind ("0" for none; it is absent
// with raw=true).

inline constexpr const char* kMaskedHeader = "Agdb-Masked";

Parameter raw_parameter();
bool is_raw(const ApiCall& call);
std::string masked_header(const MaskCounts& counts);

HttpResponse content_response(const ApiCall& call, Json json);
// A document that is text already.
HttpResponse content_response(const ApiCall& call, std::string json_text);

}  // namespace agdb
