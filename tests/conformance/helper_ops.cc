#include <string>

#include "debug/context/rounding.h"
#include "debug/strace/value_text.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/duration.h"
#include "runtime/events/hash.h"
#include "runtime/events/text.h"
#include "runtime/events/token_estimate.h"
#include "tests/conformance/input.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Result<Json> hash_prompt_op(const Json& in, Recordings&) {
  AGDB_TRY(const std::string text, text_of(in));
  return Json(prompt_hash(text));
}

Result<Json> truncate_op(const Json& in, Recordings&) {
  const auto max = in["max"].to_uint();
  if (!max) return fail(Code::kInvalid, "max: expected a whole number");
  AGDB_TRY(const std::string text, text_of(in["s"]));
  return Json(truncate(text, *max));
}

Result<Json> tokens_op(const Json& in, Recordings&) {
  AGDB_TRY(const std::string text, text_of(in));
  return Json(estimate_tokens(text));
}

Result<Json> round1_op(const Json& in, Recordings&) {
  const auto value = in.to_double();
  if (!value) return fail(Code::kInvalid, "expected a number");
  return Json(round1(*value));
}

Result<Nanoseconds> nanoseconds_of(const Json& in) {
  const auto value = in.to_int();
  if (!value) return fail(Code::kInvalid, "expected whole nanoseconds");
  return Nanoseconds(*value);
}

Result<Json> adaptive_duration_op(const Json& in, Recordings&) {
  AGDB_TRY(const Nanoseconds duration, nanoseconds_of(in));
  return Json(adaptive_duration(duration));
}

Result<Json> duration_op(const Json& in, Recordings&) {
  AGDB_TRY(const Nanoseconds duration, nanoseconds_of(in));
  return Json(format_duration(duration));
}

}  // namespace

Json refused(const Error& error) {
  return Json::object({{"error", error.message}});
}

void add_helper_ops(Ops& ops) {
  ops["hash_prompt"] = hash_prompt_op;
  ops["truncate"] = truncate_op;
  ops["tokens"] = tokens_op;
  ops["round1"] = round1_op;
  ops["fmt_dur"] = adaptive_duration_op;
  ops["go_dur"] = duration_op;
}

}  // namespace agdb::conformance
