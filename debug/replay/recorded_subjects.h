#pragma once

#include <cstdint>
#include <map>

#include "debug/record/recorded_event.h"
#include "debug/strace/filter.h"

namespace agdb {

// Recorded events as filters and strace lines see them. Feed the events of one recording in order,
// from the first: what a Read or Write is about (its descriptor's path), and how much of a context
// a snapshot keeps, follows from the events before. One thread at a time.
class RecordedSubjects {
 public:
  // Valid until the next call, and as long as the event.
  FilterSubject subject(const RecordedEvent& event);

 private:
  void view(const ContextSnapshot& snapshot);

  FdTable fds_;
  std::map<CtxId, std::uint64_t> message_counts_;
  ContextView context_;
};

}  // namespace agdb
