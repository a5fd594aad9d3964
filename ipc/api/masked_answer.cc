#include "ipc/api/masked_answer.h"

#include <algorithm>

#include "debug/secrets/mask.h"

namespace agdb {

Parameter raw_parameter() {
  return {.name = "raw",
          .description =
              "leave secrets in texts as they are; otherwise they are masked, and the header "
              "Agdb-Masked tells how many",
          .type = Parameter::Type::kBoolean,
          .otherwise = "false"};
}

bool is_raw(const ApiCall& call) {
  return call.boolean("raw");
}

void mask_answer(HttpResponse& response, const ApiContext& context) {
  if (response.body.empty() || std::ranges::find(response.headers, kMaskedHeader,
                                                 &HttpField::name) != response.headers.end())
    return;
  MaskCounts counts;
  response.body = mask_json_text(response.body, counts);
  tell_masked(response, counts, context);
}

void tell_masked(HttpResponse& response, const MaskCounts& counts, const ApiContext& context) {
  *context.masked += counts.total();
  response.headers.push_back({kMaskedHeader, counts.total() == 0 ? "0" : counts.text()});
}

}  // namespace agdb
