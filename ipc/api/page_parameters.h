#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ipc/api/api_call.h"

namespace agdb {

// How lists are asked for by pages. `next` of an answer is `before` of the page that follows.

// limit; `otherwise` is what counts without it.
Parameter page_limit_parameter(std::string otherwise);
// limit, of 100, and before, for lists that go on by names.
std::vector<Parameter> name_page_parameters();
std::size_t name_page_limit_of(const ApiCall& call);

}  // namespace agdb
