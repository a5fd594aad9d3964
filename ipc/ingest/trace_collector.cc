#include "ipc/ingest/trace_collector.h"

#include <algorithm>
#include <utility>

namespace agdb {
namespace {

using ByLast = std::multimap<Nanoseconds, std::string>;

void forget(ByLast& by_last, Nanoseconds last, const std::string& trace_id) {
  const auto [from, to] = by_last.equal_range(last);
  const auto found =
      std::find_if(from, to, [&](const auto& entry) { return entry.second == trace_id; });
  if (found != to) by_last.erase(found);
}

}  // namespace

void TraceCollector::add(TracePiece piece, Nanoseconds now) {
  bytes_ += piece.text.size();
  const auto [found, is_new] = waiting_.try_emplace(piece.trace_id);
  Waiting& trace = found->second;
  if (is_new) {
    trace.piece = std::move(piece);
  } else {
    forget(by_last_, trace.last, found->first);
    trace.piece.text += piece.text;
    trace.piece.spans += piece.spans;
    trace.piece.has_root = trace.piece.has_root || piece.has_root;
  }
  trace.last = now;
  by_last_.emplace(now, found->first);
  if (trace.piece.text.size() >= limits_.trace_bytes) complete(found);
  keep_to_limits();
}

void TraceCollector::keep_to_limits() {
  while (!by_last_.empty() && (bytes_ > limits_.bytes || waiting_.size() > limits_.traces))
    complete(waiting_.find(by_last_.begin()->second));
}

void TraceCollector::complete(Traces::iterator trace) {
  forget(by_last_, trace->second.last, trace->first);
  bytes_ -= trace->second.piece.text.size();
  complete_.push_back(std::move(trace->second.piece));
  waiting_.erase(trace);
}

std::vector<TracePiece> TraceCollector::take_complete(Nanoseconds now) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto trace = at++;
    if (due(trace->second) <= now) complete(trace);
  }
  return std::exchange(complete_, {});
}

std::vector<TracePiece> TraceCollector::take_all() {
  while (!waiting_.empty()) complete(waiting_.begin());
  return std::exchange(complete_, {});
}

std::optional<Nanoseconds> TraceCollector::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  Nanoseconds next = Nanoseconds::max();
  for (const auto& [id, trace] : waiting_) next = std::min(next, due(trace));
  return next;
}

}  // namespace agdb
