#include "ipc/daemon/loop_gate.h"

#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>

#include "ipc/daemon/session.h"

namespace agdb {
namespace {

MethodResult ending() {
  return refuse({Code::kUnavailable, "the daemon is shutting down"});
}

}  // namespace

struct LoopGate::State : std::enable_shared_from_this<State> {
  boost::asio::io_context* loop = nullptr;
  Core* core = nullptr;
  const MethodTable* methods = nullptr;
  // Of the calls that come through the gate: has no peer. Loop's thread.
  std::shared_ptr<Session> session;

  std::mutex mutex;  // closed, and the results that are waited for
  std::condition_variable told;
  bool closed = false;

  // Within the lock, so that the loop cannot go between the look and the posting.
  bool post(std::function<void()> work) {
    const std::scoped_lock lock(mutex);
    if (closed) return false;
    boost::asio::post(*loop, [self = shared_from_this(), work = std::move(work)] {
      if (self->core != nullptr) work();
    });
    return true;
  }

  void run(const std::string& name, Json& params, const Answer& answer) {
    const auto method = methods->find(name);
    if (method == methods->end())
      return answer(std::unexpected(RpcError{RpcCode::kMethodNotFound, "no method " + name, ""}));
    if (!session) session = std::make_shared<Session>(*core, *methods, nullptr, Peer{}, nullptr);
    method->second({*session, params, answer});
  }
};

LoopGate::LoopGate(boost::asio::io_context& loop, Core& core, const MethodTable& methods)
    : state_(std::make_shared<State>()) {
  state_->loop = &loop;
  state_->core = &core;
  state_->methods = &methods;
}

LoopGate::~LoopGate() {
  close();
}

MethodResult LoopGate::call(std::string_view method, Json params,
                            std::chrono::milliseconds patience) {
  struct Waiting {
    std::string method;
    Json params;
    std::optional<MethodResult> result;
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->method = method;
  waiting->params = std::move(params);
  State& state = *state_;
  const bool posted = state.post([self = state_, waiting] {
    self->run(waiting->method, waiting->params, [self, waiting](MethodResult result) {
      const std::scoped_lock lock(self->mutex);
      waiting->result = std::move(result);
      self->told.notify_all();
    });
  });
  if (!posted) return ending();
  std::unique_lock lock(state.mutex);
  state.told.wait_for(lock, patience, [&] { return state.closed || waiting->result; });
  if (waiting->result) return *std::move(waiting->result);
  if (state.closed) return ending();
  return refuse({Code::kTimeout, "the daemon did not answer " + waiting->method + " in time"});
}

bool LoopGate::post(std::function<void(Core& core)> work) {
  State& state = *state_;
  return state.post([&state, work = std::move(work)] { work(*state.core); });
}

void LoopGate::close() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->closed = true;
  }
  state_->told.notify_all();
  state_->session.reset();
  state_->core = nullptr;
}

}  // namespace agdb
