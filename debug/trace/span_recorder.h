#pragma once

#include <cstdint>
#include <string>

#include "debug/trace/live_spans.h"
#include "debug/trace/span_file.h"

namespace agdb {

// Writes the spans of a runtime's processes to the files of their traces, each when it ends. Of
// processes that are recorded the same spans can be had from the recordings; this is for those that
// are not, at a fraction of the bytes.
//
//   SpanRecorder spans(files, traces_dir(records_dir));
//   bus.add(spans);
//   …
//   bus.remove(spans);
//   Status written = spans.close();
class SpanRecorder final : public Subscriber {
 public:
  // `files` outlives it.
  SpanRecorder(FileSystem& files, std::string traces_dir, LiveSpans::RecordIdOf record_id_of = {});

  void on_event(const Event& event) override { live_.on_event(event); }

  // Ends what still lives, as incomplete. An error tells how many spans could not be written, and
  // why. Not while subscribed.
  Status close();

 private:
  SpanFileWriter writer_;
  LiveSpans live_;
};

}  // namespace agdb
