#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// What a JSON value must be, in JSON Schema as OpenAPI 3.1 writes it. The same schema stands in the
// document that is served, checks what comes in, and checks in a test what goes out.
namespace schema {

Json text();
Json one_of(std::vector<std::string> words);
Json integer();
Json integer(std::int64_t least, std::int64_t most);
Json number();
Json boolean();
Json any();
Json list(Json of);
// Members of any name.
Json map(Json of);
// Those members, all of which must be there but for the optional ones, and no other.
Json object(std::initializer_list<Json::Member> members,
            std::initializer_list<Json::Member> optional = {});
// One of the document's components.
Json ref(std::string_view name);
// With a description of what it means.
Json described(Json schema, std::string_view description);
// With a bound: "maxLength", "maxItems", "minItems", …
Json bounded(Json schema, std::string_view keyword, std::int64_t bound);

}  // namespace schema

// An error (kInvalid) for the first place where the value is not as the schema says: "body.ids[3]:
// expected an integer". Knows what the functions above make; `components`: what ref() names.
// REQUIRES: the schema, as ours, does not go round in circles but over members of the value.
Status check_schema(const Json& value, const Json& schema, const Json& components,
                    const std::string& where);

}  // namespace agdb
