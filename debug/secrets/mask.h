#pragma once

#include <string>
#include <string_view>

#include "debug/secrets/secret_kind.h"
#include "runtime/events/json.h"

namespace agdb {

// Secrets in texts and JSON, replaced by "[masked:<kind>]": nothing of the secret stays. What was
// masked once is not changed by a second time. Any thread; linear time.

// Appends `text` with its secrets masked. Any bytes; what is no secret stays as it is. A whole
// text, or one piece of it: a secret that lies in two pieces is not found.
void mask_secrets_to(std::string& out, std::string_view text, MaskCounts& counts);
std::string mask_secrets(std::string_view text, MaskCounts& counts);

// The same within the strings of a value, keys included; a member whose name says what it holds
// ("api_key") is masked as a whole. Images and signatures of thoughts are left alone.
void mask_secrets(Json& value, MaskCounts& counts);

// Whether masking would change something: most texts hold none, and need no copy then.
bool text_has_secrets(std::string_view text);
bool json_has_secrets(const Json& value);

// A text that holds JSON: one document, several, a piece of one. Only strings change, and of those
// only such as hold a secret, so what was JSON is JSON. A string that has begun ends with the text.
std::string mask_json_text(std::string_view text, MaskCounts& counts);

}  // namespace agdb
