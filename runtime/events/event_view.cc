#include "runtime/events/event_view.h"

namespace agdb {

const Event& EventView::event() const {
  if (event_ == nullptr) {
    made_.emplace(Event{pid_, n_, timestamp_, to_syscall(*call_)});
    event_ = &*made_;
  }
  return *event_;
}

}  // namespace agdb
