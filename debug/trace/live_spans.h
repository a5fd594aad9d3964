#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "debug/trace/span_deriver.h"
#include "runtime/events/bus.h"

namespace agdb {

// The spans of the processes of a runtime as they live: a subscriber that derives them. It must be
// there before a process is born; of one that it does not know it tells nothing. The sink is called
// from the bus's dispatcher thread.
class LiveSpans final : public Subscriber {
 public:
  // The id of a process's recording, empty when it is not recorded; asked when it is born.
  using RecordIdOf = std::function<std::string(Pid)>;

  // The sink outlives it.
  explicit LiveSpans(TraceSink& sink, RecordIdOf record_id_of = {});

  void on_event(const Event& event) override;
  // Ends what still lives, as incomplete: no event follows. Not while subscribed.
  void close();

 private:
  TraceSink& sink_;
  RecordIdOf record_id_of_;
  LiveTraceEvents reader_;
  std::map<Pid, std::unique_ptr<SpanDeriver>> derivers_;
};

}  // namespace agdb
