#include "debug/trace/span_recorder.h"

#include <fmt/format.h>

namespace agdb {

SpanRecorder::SpanRecorder(FileSystem& files, std::string traces_dir,
                           LiveSpans::RecordIdOf record_id_of)
    : writer_(files, std::move(traces_dir)), live_(writer_, std::move(record_id_of)) {}

Status SpanRecorder::close() {
  live_.close();
  if (writer_.lost() == 0) return {};
  const Error& why = writer_.first_failure().error();
  return fail(why.code,
              fmt::format("{} spans could not be written: {}", writer_.lost(), why.message),
              why.hint);
}

}  // namespace agdb
