#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string_view>

#include "ipc/wire/rpc_message.h"
#include "runtime/events/json.h"

namespace agdb {

class Core;     // ipc/daemon/core.h
class Session;  // ipc/daemon/session.h

using MethodResult = std::expected<Json, RpcError>;

// How a call is answered: once, at any later time, on the loop's thread. When the peer has gone
// meanwhile, the answer goes nowhere.
using Answer = std::function<void(MethodResult result)>;

// What a method works on. `session` is valid during the call; `params` may be taken apart.
struct MethodCall {
  Session& session;
  Json& params;
  const Answer& answer;
};
using Method = std::function<void(const MethodCall& call)>;
using MethodTable = std::map<std::string_view, Method>;

// The protocol of ipc/README.md, a function a section of it. `core` outlives the table.
void add_daemon_methods(MethodTable& table, Core& core);
void add_process_methods(MethodTable& table, Core& core);
void add_view_methods(MethodTable& table, Core& core);
void add_record_methods(MethodTable& table, Core& core);
void add_agent_methods(MethodTable& table, Core& core);

// A method that has its answer at once.
Method at_once(std::function<MethodResult(const MethodCall& call)> method);

// An error of ours as a method's result.
std::unexpected<RpcError> refuse(const Error& error);

}  // namespace agdb
