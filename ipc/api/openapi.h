#pragma once

#include <string_view>

#include "ipc/api/route_table.h"

namespace agdb {

// The API as an OpenAPI 3.1 document, out of the routes that serve it.
Json openapi_document(const RouteTable& table, std::string_view version);

}  // namespace agdb
