#include "ipc/api/content_answer.h"

#include <utility>

#include "debug/secrets/mask.h"

namespace agdb {

Parameter raw_parameter() {
  return {.name = "raw",
          .description =
              "leave secrets in texts as they are; otherwise they are masked, and the "
              "header Agdb-Masked tells how many",
          .type = Parameter::Type::kBoolean,
          .otherwise = "false"};
}

bool is_raw(const ApiCall& call) {
  return call.boolean("raw");
}

std::string masked_header(const MaskCounts& counts) {
  return counts.total() == 0 ? "0" : counts.text();
}

HttpResponse content_response(const ApiCall& call, Json json) {
  if (is_raw(call)) return json_response(json);
  MaskCounts counts;
  mask_secrets(json, counts);
  HttpResponse response = json_response(json);
  response.headers.push_back({kMaskedHeader, masked_header(counts)});
  return response;
}

HttpResponse content_response(const ApiCall& call, std::string json_text) {
  if (is_raw(call)) return text_response(std::move(json_text), "application/json");
  MaskCounts counts;
  HttpResponse response = text_response(mask_json_text(json_text, counts), "application/json");
  response.headers.push_back({kMaskedHeader, masked_header(counts)});
  return response;
}

}  // namespace agdb
