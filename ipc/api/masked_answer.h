#pragma once

#include "debug/secrets/secret_kind.h"
#include "ipc/api/api_call.h"
#include "ipc/api/api_context.h"

namespace agdb {

// Secrets in the answers of routes with texts of agents (Route::has_texts) are masked, unless the
// request says raw=true. The header Agdb-Masked tells how many of which kind ("0" for none; it is
// absent with raw=true). The table of routes does all that for bodies of JSON; a handler that masks
// by itself, piece by piece as its answer is made, tells what it masked.

inline constexpr const char* kMaskedHeader = "Agdb-Masked";

// Declared by the table for each such route.
Parameter raw_parameter();
// REQUIRES: the route has texts.
bool is_raw(const ApiCall& call);

// The body, which is JSON, if there is one and the handler has told nothing.
void mask_answer(HttpResponse& response, const ApiContext& context);
// Of what a handler masked by itself before its answer begins.
void tell_masked(HttpResponse& response, const MaskCounts& counts, const ApiContext& context);

}  // namespace agdb
