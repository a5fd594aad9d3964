"""Lets agdb see an agent that is written in Python.

Three lines:

    import agdb
    agent = agdb.register("tidy the docs", model="m-1", budget=50000)
    client = agdb.wrap(OpenAI())          # or Anthropic(), AsyncOpenAI(), AsyncAnthropic()

From here on each model call of `client` is told to the daemon (`agdb serve`): what the model was
asked, what it answered, how many tokens that took and how long. `agdb ps` lists the agent, and
`agdb strace`, `record`, `budget` and the debugger work on it. More can be told by hand:

    with agent.call("ReadDocs", path="docs/") as call:   # any step; an exception is its error
        call.result = read_docs("docs/")

    @agent.tool                                          # a tool, as the runtime's own tools
    def search(query: str) -> str: ...

    while agent.gate():                                  # waits while paused, false: come to an end
        step()

What an agent may rely on:

- Nothing here raises into it, and nothing but gate() and flush() waits. What is told goes into a
  queue (MAX_QUEUED_EVENTS, MAX_QUEUED_BYTES) that a thread of this module sends. When the
  daemon does not keep up, what no longer fits is dropped, counted in stats(), and told to the
  daemon as a call named AgdbLost.
- Without a daemon everything is a no-op, after one notice on stderr. There is no reconnecting:
  when the daemon goes away, its agents stay silent (one notice), and a later register() tries
  anew.
- After a fork the child tells nothing of its parent's agents; it may register its own.
- At exit what is queued is sent for at most EXIT_SECONDS, and agents that are still open are
  closed: with the exception's type, if one ended the program.

Standard library only, Python 3.9 or later, Linux and other systems with Unix sockets.
"""

import atexit
import collections
import functools
import inspect
import itertools
import json
import os
import re
import select
import socket
import struct
import sys
import threading
import time
from types import TracebackType
from typing import (Any, AsyncGenerator, AsyncIterator, Callable, Deque, Dict, Generator, Iterable,
                    Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Type, TypeVar, cast,
                    overload)

__all__ = ["Agent", "Call", "Gate", "Stats", "register", "wrap"]
__version__ = "0.1.0"

# What waits to be sent, of all agents of this program together. One event that is larger than
# the bytes is dropped.
MAX_QUEUED_EVENTS = 10_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024
# A call's arguments, and its result, in characters; what is over is cut, and marked so.
MAX_VALUE = 256 * 1024
# What stands for an object that JSON cannot hold, an error's text; in characters.
MAX_REPR = 4096
MAX_DEPTH = 32
# How long the program's end waits for the daemon.
EXIT_SECONDS = 1.0
# How long gate() waits for the daemon to say whether the agent is paused. While it is, gate() waits
# for as long as it was told to.
GATE_SECONDS = 2.0

_CONNECT_SECONDS = 2.0
_CHUNK_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 1024 * 1024  # a line from the daemon; those to agents are short
_MAX_OPEN_TOOLS = 1000  # calls that a model asked for and whose results have not been seen

_Function = TypeVar("_Function", bound=Callable[..., Any])
_AnyClient = TypeVar("_AnyClient")
_Params = Dict[str, Any]


# ---- JSON of values from outside -----------------------------------------------------------------


# Of version 00, and no id of zeros.
_TRACEPARENT = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def _cut(text: str, limit: int) -> str:
    """The text, or its beginning with a mark that tells how much is missing."""
    if len(text) <= limit:
        return text
    return "%s…[cut: %d more characters]" % (text[:limit], len(text) - limit)


def _repr(value: object) -> str:
    try:
        return _cut(repr(value), MAX_REPR)
    except Exception as error:  # somebody else's __repr__
        return "<%s: its repr failed: %s>" % (type(value).__name__, type(error).__name__)


class _Bounded:
    """Copies a value into what JSON can hold; `left` bounds the size and so the time it takes."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def text(self, value: str) -> str:
        cut = _cut(value, max(self.left, 0))
        self.left -= min(len(value), max(self.left, 0)) + 4
        return cut

    def copy(self, value: Any, depth: int = 0) -> Any:
        self.left -= 4
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            # Larger integers are no integers to many a reader of JSON.
            return int(value) if -(2**63) <= value < 2**63 else _cut(str(value), 40)
        if isinstance(value, float):
            return float(value) if value - value == 0 else repr(value)  # no NaN, no infinity
        if isinstance(value, (dict, list, tuple, set, frozenset, collections.deque)):
            if depth >= MAX_DEPTH:
                return "…[cut: nested deeper than %d]" % MAX_DEPTH
            if isinstance(value, dict):
                return self.copy_dict(value, depth + 1)
            return self.copy_items(value, depth + 1)
        if isinstance(value, (bytes, bytearray)):
            return self.text(repr(bytes(value[: max(self.left, 0)])))
        return self.text(_repr(value))

    def copy_dict(self, value: Dict[Any, Any], depth: int) -> Dict[str, Any]:
        result: Dict[str, Any] = {}
        for count, (key, item) in enumerate(list(value.items())):
            if self.left <= 0:
                result["…"] = "[cut: %d more items]" % (len(value) - count)
                break
            name = self.text(key if isinstance(key, str) else _repr(key))
            result[name] = self.copy(item, depth)
        return result

    def copy_items(self, value: Any, depth: int) -> List[Any]:
        result: List[Any] = []
        for count, item in enumerate(value):
            if self.left <= 0:
                result.append("…[cut: %d more items]" % (len(value) - count))
                break
            result.append(self.copy(item, depth))
        return result


def _bounded(value: Any) -> Any:
    return _Bounded(MAX_VALUE).copy(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _error_text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__name__
    return _cut("%s: %s" % (name, text) if text else name, MAX_REPR)


_noticed: Set[str] = set()


def _notice(kind: str, text: str) -> None:
    """One line on stderr, once a program for each kind."""
    if kind in _noticed:
        return
    _noticed.add(kind)
    try:
        sys.stderr.write("agdb: %s\n" % text)
        sys.stderr.flush()
    except Exception:  # stderr is closed, or None
        pass


def _quietly(function: _Function) -> _Function:
    """For methods of Agent and _Exchange: a fault of this module is counted and never raised."""

    @functools.wraps(function)
    def quiet(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(self, *args, **kwargs)
        except Exception as error:
            self._fault(error)
            return None

    return cast(_Function, quiet)


# ---- The connection ------------------------------------------------------------------------------


def _socket_path() -> str:
    path = os.environ.get("AGDB_SOCKET")
    if path:
        return path
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if folder:
        return os.path.join(folder, "agdb", "agdb.sock")
    return "/tmp/agdb-%d/agdb.sock" % (os.getuid() if hasattr(os, "getuid") else 0)


class _Unreachable(Exception):
    """Why no daemon can be told anything, for a person."""


def _connect(path: str) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise _Unreachable("this system has no Unix sockets")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_CONNECT_SECONDS)
        connection.connect(path)
        # Whoever else plants a socket there would be told all that the agent knows.
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            if struct.unpack("3i", raw)[1] not in (os.geteuid(), 0):
                raise _Unreachable("the socket %s is another user's" % path)
        connection.setblocking(False)
        return connection
    except (OSError, ValueError) as error:
        connection.close()
        raise _Unreachable("no daemon answers at %s (%s)" % (path, error)) from error
    except BaseException:
        connection.close()
        raise


class _Request:
    """A message that is answered. `done` is set when it was, or never will be.

    flush() waits for those with an `on_answer`; the others have somebody who waits.
    """

    def __init__(self, on_answer: Optional[Callable[[Optional[_Params]], None]] = None) -> None:
        self.done = threading.Event()
        self.answer: Optional[_Params] = None  # with "result" or "error"
        self.flushed = on_answer is not None
        self._on_answer = on_answer

    def settle(self, answer: Optional[_Params]) -> None:
        self.answer = answer
        if self._on_answer is not None:
            self._on_answer(answer)
        self.done.set()


class _Item(NamedTuple):
    agent: "Agent"
    method: str
    members: bytes  # of the params' object, without braces and without the pid
    request: Optional[_Request] = None
    counted: bool = True  # in the agent's counters: what it told, not what is said about that


class _Link:
    """A connection to a daemon and the thread that serves it; many agents share one.

    `lock` guards this and the agents' counters. It may be taken again by its owner: the garbage
    collector and signal handlers run anywhere, and what they run may tell something.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.state = "connecting"  # then "open", and at last why not: "no daemon", "gone", "forked"
        self.agents: List["Agent"] = []  # not closed yet
        self._queue: Deque[_Item] = collections.deque()
        self._queued_bytes = 0
        self._sending: List[_Item] = []
        self._losers: Set["Agent"] = set()
        self._pending: Dict[int, _Request] = {}
        self._unsettled = 0  # requests that flush() waits for
        self._ids = itertools.count(1)
        self._socket: Optional[socket.socket] = None
        self._woken = False
        self._wakers: Tuple[socket.socket, ...] = ()
        try:
            self._wakers = socket.socketpair()
            for waker in self._wakers:
                waker.setblocking(False)
            threading.Thread(target=self._run, name="agdb", daemon=True).start()
        except Exception as error:  # no file descriptors, no threads, the interpreter is ending
            self.state = "no daemon"
            _notice("no daemon", "%s: this program is not shown" % _error_text(error))

    # Of any thread.

    def usable(self) -> bool:
        return self.state in ("connecting", "open")

    def put(self, agent: "Agent", method: str, members: str) -> bool:
        """Tells something; false if it was dropped."""
        data = members.encode("utf-8", "replace")
        with self.lock:
            agent._told += 1
            if not agent.alive:
                agent._lost += 1
                return False
            if (len(self._queue) >= MAX_QUEUED_EVENTS
                    or self._queued_bytes + len(data) > MAX_QUEUED_BYTES):
                agent._lost += 1
                agent._lost_untold += 1
                self._losers.add(agent)
                self._wake()
                return False
            self._append_losses(agent)
            self._append(_Item(agent, method, data))
            return True

    def ask(self, agent: "Agent", method: str, params: _Params, request: _Request) -> bool:
        """Requests are few and short, and find room in a full queue."""
        data = _dump(params)[1:-1].encode("utf-8", "replace")
        with self.lock:
            if not self.usable():
                return False
            self._append_losses(agent)
            self._append(_Item(agent, method, data, request, counted=False))
            return True

    def flush(self, timeout: float) -> bool:
        """Waits until all has been handed over, registered and closed."""
        with self.lock:
            self.changed.wait_for(lambda: not self.usable() or self._idle(), timeout)
            return self.usable() and self._idle()

    def queued(self) -> int:
        return len(self._queue) + len(self._sending)

    def abandon(self) -> None:
        """In a child after a fork: the thread is not here, and who held the lock may not be."""
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.state = "forked"
        self.agents = []
        self._queue.clear()
        self._sending = []
        self._pending.clear()
        # While a copy is open here, the daemon would not see the parent's end.
        for one in self._wakers + ((self._socket,) if self._socket else ()):
            one.close()

    def _idle(self) -> bool:
        return not (self._queue or self._sending or self._unsettled or self._losers)

    def _append(self, item: _Item) -> None:
        if item.request is not None and item.request.flushed:
            self._unsettled += 1
        self._queue.append(item)
        self._queued_bytes += len(item.members)
        self._wake()

    def _append_losses(self, agent: "Agent") -> None:
        """What was dropped is said where it is missing: before what follows it."""
        if agent._lost_untold:
            members = '"name":"AgdbLost","args":{"events":%d}' % agent._lost_untold
            agent._lost_untold = 0
            self._losers.discard(agent)
            self._append(_Item(agent, "agent.call", members.encode(), counted=False))

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            try:
                self._wakers[1].send(b"w")
            except OSError:
                pass

    # Of the link's thread.

    def _run(self) -> None:
        reason = "it closed the connection"
        try:
            connection = _connect(self.path)
        except Exception as error:
            self._end("no daemon", "%s: this program is not shown. To start one: "
                      "agdb serve --detach" % error)
            return
        with self.lock:
            self._socket = connection
            self.state = "open"
        try:
            self._serve(connection)
        except Exception as error:
            reason = _error_text(error)
        connection.close()
        self._end("gone", "the daemon at %s went away (%s): nothing more is told to it"
                  % (self.path, reason))

    def _serve(self, connection: socket.socket) -> None:
        """Sends and receives until the daemon closes the connection; raises when that breaks."""
        received = bytearray()
        chunk = memoryview(b"")
        wake = self._wakers[0]
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        while True:
            if not chunk:
                chunk = memoryview(self._next_chunk())
            poll.register(connection, select.POLLIN | (select.POLLOUT if chunk else 0))
            ready = dict(poll.poll())
            if ready.get(wake.fileno()):
                with self.lock:
                    self._woken = False
                    wake.recv(16)
            events = ready.get(connection.fileno(), 0)
            if events & ~select.POLLOUT and not self._receive(connection, received):
                return
            if events & select.POLLOUT:
                chunk = chunk[connection.send(chunk):]
                if not chunk:
                    self._sent()

    def _receive(self, connection: socket.socket, received: bytearray) -> bool:
        try:
            data = connection.recv(64 * 1024)
        except BlockingIOError:
            return True
        received += data
        *lines, rest = bytes(received).split(b"\n")
        received[:] = rest
        if len(rest) > _MAX_ANSWER_BYTES:
            raise ValueError("it sends an endless line")
        for line in lines:
            if line.strip():
                self._take(json.loads(line))
        return bool(data)

    def _take(self, message: Any) -> None:
        if not isinstance(message, dict) or "method" in message:
            return
        number = message.get("id")
        with self.lock:
            request = self._pending.pop(number, None) if isinstance(number, int) else None
            if request is not None:
                self._settle(request, message)

    def _settle(self, request: _Request, answer: Optional[_Params]) -> None:
        if request.flushed:
            self._unsettled -= 1
        request.settle(answer)
        self.changed.notify_all()

    def _next_chunk(self) -> bytes:
        lines: List[bytes] = []
        size = 0
        with self.lock:
            if not self._queue:  # nothing follows
                for agent in list(self._losers):
                    self._append_losses(agent)
            while self._queue and size < _CHUNK_BYTES:
                item = self._queue[0]
                if not item.agent._may_send(item.method):
                    break  # until it has its pid; then the answer wakes us
                self._queue.popleft()
                self._queued_bytes -= len(item.members)
                if item.agent._refused:
                    self._drop(item)
                    continue
                lines.append(self._line(item))
                size += len(lines[-1])
                self._sending.append(item)
            if not lines:
                self.changed.notify_all()
        return b"".join(lines)

    def _line(self, item: _Item) -> bytes:
        """Only now the pid is known, for the queue is filled before the daemon has given one."""
        pid = item.agent._pid
        if item.method == "agent.register":
            parent = item.agent._parent
            members = b'"parent":%d' % parent._pid if parent and parent._pid else b""
        else:
            members = b'"pid":%d' % (pid or 0)
        number = b""
        if item.request is not None:
            identity = next(self._ids)
            self._pending[identity] = item.request
            number = b'"id":%d,' % identity
        comma = b"," if members and item.members else b""
        return b'{"jsonrpc":"2.0",%s"method":"%s","params":{%s%s%s}}\n' % (
            number, item.method.encode(), members, comma, item.members)

    def _sent(self) -> None:
        with self.lock:
            for item in self._sending:
                item.agent._sent += item.counted
            self._sending = []
            self.changed.notify_all()

    def _drop(self, item: _Item) -> None:
        item.agent._lost += item.counted
        if item.request is not None:
            self._settle(item.request, None)

    def _end(self, state: str, notice: str) -> None:
        if self.agents or state == "no daemon":  # which may be known before the agent is there
            _notice(state, notice)
        with self.lock:
            self.state = state
            self.agents = []
            for item in self._sending:  # requests among them are pending, too
                item.agent._lost += item.counted
            self._sending = []
            while self._queue:
                self._drop(self._queue.popleft())
            self._queued_bytes = 0
            for request in list(self._pending.values()):
                self._settle(request, None)
            self._pending.clear()
            self._losers.clear()
            for waker in self._wakers:
                waker.close()
            self.changed.notify_all()


# ---- What a program uses -------------------------------------------------------------------------


class Gate(NamedTuple):
    """The answer to "may I go on?"; true if so.

    `reason` says why not: "budget_exceeded", "terminated", "killed", "max steps exceeded"; or
    "suspended", when it was still paused at the end of gate()'s timeout.
    """

    go: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.go


class Stats(NamedTuple):
    """What became of what an agent told: told = sent + lost + what is still queued.

    `state`: "connecting", "registered", "closed"; or why nothing is told: "no daemon", "gone" (it
    went away), "refused" (by the daemon), "forked" (the parent's agent, in a child).
    `lost` were dropped: the queue was full, or there is no daemon; those of a message that was
    under way when the daemon went away count as lost, too. `queued` is that of all agents.
    `rejected`: told so wrongly that the daemon could not use it. `faults`: of this module, caught.
    """

    state: str
    pid: Optional[int]
    record_id: str
    told: int
    sent: int
    lost: int
    queued: int
    rejected: int
    faults: int
    last_fault: str


class Call:
    """One call of an agent, under way; see Agent.call(). Set `result`, or `error` to a text."""

    def __init__(self, agent: "Agent", method: str, name: str, args: _Params) -> None:
        self.name = name
        self.result: Any = None
        self.error: Optional[str] = None
        self._agent = agent
        self._method = method
        self._args = args
        self._began = 0

    def __enter__(self) -> "Call":
        self._began = self._agent._now()
        # As they are now: what is called may change them.
        self._args = self._agent._snapshot(self._args)
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if error is not None and not isinstance(error, GeneratorExit):
            self.error = _error_text(error)
        self._agent._tell_call(self._method, self.name, self._args, self.result, self.error,
                               self._began, self._agent._now() - self._began)


class Agent:
    """One agent in the daemon's list of processes. Made by register() and child().

    All methods may be called from any thread. As a context manager it is closed at the end, with
    the exception's type as the reason if one passes through:

        with agdb.register("tidy the docs") as agent:
            ...
    """

    def __init__(self, link: _Link, intent: str, parent: Optional["Agent"], options: _Params):
        self.intent = intent
        self._link = link
        self._parent = parent
        self._born = time.monotonic_ns()
        self._registering = False
        self._refused = False
        self._closed = False
        self._pid: Optional[int] = None
        self._record_id = ""
        self._traceparent = ""
        self._told = self._sent = self._lost = self._lost_untold = self._rejected = 0
        self._faults = 0
        self._last_fault = ""
        # Of each context what the daemon has been told: the prompt, and a hash of each message.
        self._contexts: Dict[int, Tuple[str, List[int]]] = {}
        # What models asked for and has no result yet, and the tools told by themselves since.
        self._open_tools: Dict[str, "_ToolCall"] = {}
        self._own_tools: Dict[str, int] = {}
        self._answered = 0  # when the newest answer had come
        params = {"intent": intent, "protocol": 1, "client": "agdb.py " + __version__, **options}
        with link.lock:
            if link.ask(self, "agent.register", _bounded(params), _Request(self._registered)):
                link.agents.append(self)

    @property
    def pid(self) -> Optional[int]:
        """The pid that the daemon gave; None until it did (flush() waits for that)."""
        return self._pid

    @property
    def traceparent(self) -> str:
        """W3C trace context of this agent's span, for the headers of what it asks others to do.

        "" until the daemon gave it (flush() waits for that).
        """
        return self._traceparent

    @property
    def alive(self) -> bool:
        """Whether what is told may arrive."""
        return self._link.usable() and not self._closed and not self._refused

    def call(self, name: str, /, **args: Any) -> Call:
        """Tells a call of any kind, with its arguments, its result or error, and its time.

            with agent.call("ReadDocs", path="docs/") as call:
                call.result = read_docs("docs/")

        An exception becomes the call's error and passes on. What JSON cannot hold is told as its
        repr; arguments and result are cut at MAX_VALUE characters each.
        """
        return Call(self, "agent.call", name, args)

    def tool_call(self, name: str, /, **args: Any) -> Call:
        """Like call(), for one call of a tool: told as the runtime tells those of its own tools.

            with agent.tool_call(request.name, **request.arguments) as call:
                call.result = TOOLS[request.name](**request.arguments)
        """
        return Call(self, "agent.tool", name, args)

    @overload
    def tool(self, function: _Function) -> _Function: ...

    @overload
    def tool(self, *, name: str) -> Callable[[_Function], _Function]: ...

    def tool(self, function: Optional[_Function] = None, *, name: str = "") -> Any:
        """Decorates a tool: each call of it is told with its arguments and result.

            @agent.tool
            def search(query: str) -> str: ...

            @agent.tool(name="fetch")
            async def fetch_page(url: str) -> str: ...

        Functions, coroutine functions, generators and async generators; of the latter two the
        result is what they yielded, told when they end or are closed.
        """
        if function is None:
            return lambda later: self._decorated(later, name)
        return self._decorated(function, name)

    @_quietly
    def response(self, content: str = "", *, model: str = "", request_tokens: int = 0,
                 response_tokens: int = 0, tool_calls: Sequence[Any] = (), stop_reason: str = "",
                 cache_read_tokens: int = 0, cache_creation_tokens: int = 0,
                 time_to_first_token_ns: int = 0, duration_ns: int = 0,
                 cost_usd: Optional[float] = None, error: str = "") -> None:
        """Tells a model's answer that has just come: a step, and tokens against the budget.

            agent.response("Done.", model="m-1", request_tokens=120, response_tokens=30)

        `tool_calls` in the form of a model's API, or {"id", "name", "arguments"}. Clients that
        wrap() knows tell this by themselves.
        """
        answer = _Answer()
        answer.model, answer.stop_reason, answer.error = model, stop_reason, error
        answer.text.append(content)
        answer.calls = [_read_call(call) for call in tool_calls]
        answer.request_tokens, answer.response_tokens = request_tokens, response_tokens
        answer.cache_read, answer.cache_creation = cache_read_tokens, cache_creation_tokens
        self._tell_response(answer, self._now() - duration_ns, duration_ns, time_to_first_token_ns,
                            cost_usd)

    @_quietly
    def context(self, messages: Sequence[Any], system_prompt: Optional[str] = None,
                ctx_id: int = 1) -> None:
        """Tells what the model knows now, as a whole; only what changed is sent.

            agent.context([{"role": "user", "content": "Tidy the docs."}], "Be brief.")

        Messages in the form of OpenAI's or Anthropic's API, or {"role", "content", "name",
        "tool_call_id", "tool_calls"}. Without `system_prompt` the system messages at their
        beginning are it. An agent with several conversations gives each a `ctx_id`.
        """
        if not self.alive:
            return
        prompt, rest = _split_prompt(_read_messages(messages))
        self._tell_context(ctx_id, prompt if system_prompt is None else system_prompt, rest)

    def gate(self, timeout: Optional[float] = None) -> Gate:
        """May I go on? Waits while the process is paused (at most `timeout` seconds).

            gate = agent.gate()
            if not gate:
                print("asked to stop:", gate.reason)

        Where there is no daemon, or it does not answer within GATE_SECONDS, the answer is yes.
        """
        answer = self._ask_gate(False, GATE_SECONDS)
        if answer is None:
            return Gate(True)
        if answer.go or answer.reason != "suspended":
            return answer
        answer = self._ask_gate(True, timeout)
        if answer is None:
            return Gate(False, "suspended") if self.alive else Gate(True)
        return answer

    async def gate_async(self, timeout: Optional[float] = None) -> Gate:
        """gate() for coroutines: only the caller waits, not the event loop."""
        import asyncio  # only here: its import takes as long as all the others together

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self.gate, timeout)

    def child(self, intent: str, *, model: str = "", budget: int = 0, policy: str = "",
              max_steps: int = 0, record: bool = False) -> "Agent":
        """An agent that works for this one; its parent in the daemon's list.

            with agent.child("check the links") as helper:
                helper.wrap(client).chat.completions.create(...)
        """
        return Agent(self._link, intent, self,
                     _options(model, budget, policy, max_steps, record))

    def wrap(self, client: _AnyClient, ctx_id: int = 1) -> _AnyClient:
        """The client of a model's API, as it was, but for that this agent's calls of it are told.

        See agdb.wrap(). `ctx_id` tells conversations of one agent apart.
        """
        return cast(_AnyClient, _wrapped(client, self, ctx_id))

    def close(self, reason: str = "completed", exit_code: int = 0) -> None:
        """The agent has ended. Does not wait; what is told afterwards is dropped."""
        with self._link.lock:
            if self._closed:
                return
            if self.alive:
                self._link.ask(self, "agent.close",
                               {"exit_code": exit_code, "reason": _cut(reason, MAX_REPR)},
                               _Request(self._closing))
            self._closed = True
            if self in self._link.agents:
                self._link.agents.remove(self)

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until all that was told has been handed to the daemon; false if it was not."""
        return self._link.flush(timeout)

    def stats(self) -> Stats:
        with self._link.lock:
            return Stats(self._state(), self._pid, self._record_id, self._told, self._sent,
                         self._lost, self._link.queued(), self._rejected, self._faults,
                         self._last_fault)

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None:
            self.close()
        else:
            self.close(*_ending(kind, error))

    def __repr__(self) -> str:
        return "<agdb.Agent %r pid=%s %s>" % (self.intent, self._pid, self._state())

    # For the rest of this module.

    def _state(self) -> str:
        if not self._link.usable():
            return self._link.state
        if self._refused:
            return "refused"
        if self._closed:
            return "closed"
        return "connecting" if self._pid is None else "registered"

    def _now(self) -> int:
        return time.monotonic_ns() - self._born

    def _fault(self, error: Exception) -> None:
        self._faults += 1
        self._last_fault = _error_text(error)
        _notice("fault", "%s while telling of the agent, which goes on" % self._last_fault)

    def _snapshot(self, value: Any) -> Any:
        if not self.alive:
            return None
        try:
            return _bounded(value)
        except Exception as error:  # such as a dict that another thread changes
            self._fault(error)
            return None

    def _tell(self, method: str, params: _Params) -> None:
        self._link.put(self, method, _dump(params)[1:-1] if self.alive else "")

    @_quietly
    def _tell_call(self, method: str, name: str, args: Optional[_Params], result: Any,
                   error: Optional[str], began: int, duration: int) -> None:
        params: _Params = {"name": str(name), "args": {} if args is None else args,
                           "timestamp_ns": began, "duration_ns": duration}
        if error is not None:
            params["error"] = _cut(str(error), MAX_VALUE) or "failed"
        elif method == "agent.tool":
            params["result"] = _result_text(result)
        else:
            params["result"] = _bounded(result)
        if method == "agent.tool":
            with self._link.lock:
                self._own_tools[params["name"]] = self._own_tools.get(params["name"], 0) + 1
        self._tell(method, params)

    def _tell_response(self, answer: "_Answer", began: int, duration: int, first_token: int,
                       cost_usd: Optional[float] = None) -> None:
        for text, signature in answer.thinking:
            args = {"content": text, "signature": signature} if signature else {"content": text}
            self._tell("agent.call", {"name": "DriverThinking", "args": args, "result": None,
                                      "timestamp_ns": began, "duration_ns": duration})
        params: _Params = {
            "model": answer.model, "request_tokens": answer.request_tokens,
            "response_tokens": answer.response_tokens, "content": answer.content(),
            "tool_calls": [call._asdict() for call in answer.calls],
            "stop_reason": answer.stop_reason, "cache_read_tokens": answer.cache_read,
            "cache_creation_tokens": answer.cache_creation, "time_to_first_token": first_token,
            "duration_ns": duration, "timestamp_ns": max(began, 0)}
        if cost_usd is not None:
            params["cost_usd"] = float(cost_usd)
        if answer.error:
            params["error"] = answer.error
        self._tell("agent.response", params)
        with self._link.lock:
            self._answered = began + duration
            self._own_tools.clear()
            for call in answer.calls:
                self._open_tools.pop(call.id, None)
                self._open_tools[call.id] = call
            while len(self._open_tools) > _MAX_OPEN_TOOLS:
                del self._open_tools[next(iter(self._open_tools))]

    def _tell_results(self, messages: Sequence["_Message"]) -> None:
        """A request carries the results of tools; those that nobody told before are told now."""
        results = list(itertools.takewhile(lambda one: one.role != "assistant", reversed(messages)))
        found: List[Tuple["_ToolCall", "_Message"]] = []
        with self._link.lock:
            for message in reversed(results):
                call = self._open_tools.pop(message.tool_call_id, None)
                if message.role != "tool" or call is None:
                    continue
                own = self._own_tools.get(call.name, 0)
                if own:
                    self._own_tools[call.name] = own - 1
                else:
                    found.append((call, message))
        for call, message in found:
            # One tool took at most the time since the answer; of several nobody knows.
            duration = self._now() - self._answered if len(found) == 1 else 0
            key = "error" if message.is_error else "result"
            self._tell("agent.tool", {"name": call.name, "args": _bounded(call.arguments_object()),
                                      key: _cut(message.content, MAX_VALUE),
                                      "timestamp_ns": self._answered, "duration_ns": duration})

    def _tell_context(self, ctx_id: int, prompt: str, messages: List["_Message"]) -> None:
        hashes = [message.digest() for message in messages]
        with self._link.lock:
            known = self._contexts.get(ctx_id)
            keep = 0
            if known is not None:
                for old, new in zip(known[1], hashes):
                    if old != new:
                        break
                    keep += 1
                if known[0] == prompt and keep == len(hashes) == len(known[1]):
                    return
            members = '"ctx_id":%d' % ctx_id
            if known is None or known[0] != prompt:
                members += ',"system_prompt":' + _dump(prompt)
            if keep:
                members += ',"keep":%d' % keep
            members += ',"messages":[%s]' % ",".join(message.json() for message in messages[keep:])
            if self._link.put(self, "agent.context", members if self.alive else ""):
                self._contexts[ctx_id] = (prompt, hashes)
            else:
                self._contexts.pop(ctx_id, None)  # the next time as a whole

    def _ask_gate(self, wait: bool, timeout: Optional[float]) -> Optional[Gate]:
        """The daemon's answer, or None if there is none."""
        request = _Request()
        if not self.alive or not self._link.ask(self, "agent.gate", {"wait": wait}, request):
            return None
        request.done.wait(timeout)
        result = _get(request.answer, "result")
        if not isinstance(result, dict) or not isinstance(result.get("go"), bool):
            return None
        self._note_rejected(result)
        return Gate(result["go"], _text(result.get("reason")))

    def _decorated(self, function: Any, name: str) -> Any:
        return _told_tool(self, function, name or getattr(function, "__name__", "tool"))

    # Called by the link, with its lock held.

    def _may_send(self, method: str) -> bool:
        if method == "agent.register":
            parent = self._parent
            if parent is not None and parent._pid is None and not parent._refused:
                return False
            self._registering = True
            return True
        return not self._registering

    def _registered(self, answer: Optional[_Params]) -> None:
        self._registering = False
        result = _get(answer, "result")
        pid = _get(result, "pid")
        if isinstance(pid, int) and not isinstance(pid, bool):
            self._pid = pid
            self._record_id = _text(_get(result, "record_id"))
            self._traceparent = _text(_get(result, "traceparent"))
            return
        self._refused = True
        if self in self._link.agents:
            self._link.agents.remove(self)
        if answer is not None:
            _notice("refused", "the daemon refused the agent %s: %s"
                    % (_repr(self.intent), _text(_get(_get(answer, "error"), "message"))))

    def _closing(self, answer: Optional[_Params]) -> None:
        self._note_rejected(_get(answer, "result"))

    def _note_rejected(self, result: Any) -> None:
        self._rejected = max(self._rejected, _number(_get(result, "rejected")))


def register(intent: str, *, model: str = "", budget: int = 0, policy: str = "",
             max_steps: int = 0, record: bool = False, traceparent: str = "") -> Agent:
    """Makes this program, or a part of it, an agent that agdb sees. Does not wait for the daemon.

        agent = agdb.register("tidy the docs", model="m-1", budget=50000, policy="pause")

    `budget` are tokens, of requests and answers together (0: none), and `policy` ("kill", "pause",
    "warn") what happens when they are spent; `max_steps` bounds the model calls; `record` records
    from the beginning. What wrap() wraps belongs to the agent that was registered last.
    `traceparent` is the span that the agent is a part of, as its caller's header tells (W3C trace
    context); where none is given, that of the environment variable TRACEPARENT, if there is one.
    """
    global _default
    options = _options(model, budget, policy, max_steps, record)
    outer = _outer_span(traceparent)
    if outer:
        options["traceparent"] = outer
    with _module_lock:
        agent = Agent(_link(), intent, None, options)
        _default = agent
        return agent


def wrap(client: _AnyClient, agent: Optional[Agent] = None, ctx_id: int = 1) -> _AnyClient:
    """A client of a model's API that behaves as the given one, and tells agdb of each model call.

        client = agdb.wrap(OpenAI())
        client = agdb.wrap(anthropic.AsyncAnthropic(), agent=helper)

    Known by their shape, in sync and async clients, whole and streaming:
    `chat.completions.create` and `parse`, `responses.create` and `parse`, `messages.create` and
    `stream`, and those of `beta`. Other attributes are the client's own, untold.

    Without `agent` it is the one that was registered last; when there is none, one is made
    that is named after the program.
    """
    if agent is None:
        with _module_lock:
            agent = _default
            if agent is None or agent._closed:
                agent = register(os.path.basename(sys.argv[0] if sys.argv else "") or "python")
    return agent.wrap(client, ctx_id)


def _options(model: str, budget: int, policy: str, max_steps: int, record: bool) -> _Params:
    options = {"model": model, "budget": budget, "policy": policy, "max_steps": max_steps,
               "record": record}
    return {name: value for name, value in options.items() if value}


def _outer_span(given: str) -> str:
    """A header that is wrong costs the agent its place in a trace, nothing else."""
    header = str(given or os.environ.get("TRACEPARENT", "")).strip().lower()
    if not header or _TRACEPARENT.fullmatch(header):
        return header
    _notice("traceparent", "no traceparent: %s" % _repr(header))
    return ""


# ---- Tools ---------------------------------------------------------------------------------------


def _result_text(result: Any) -> str:
    if isinstance(result, str):
        return _cut(result, MAX_VALUE)
    return "" if result is None else _dump(_bounded(result))


def _arguments(signature: Optional[inspect.Signature], args: Any, kwargs: _Params) -> _Params:
    """The arguments by the names of the parameters; a method's own object is none."""
    if signature is not None:
        try:
            bound = dict(signature.bind(*args, **kwargs).arguments)
            bound.pop("self", None)
            return bound
        except TypeError:  # the call will say so itself
            pass
    return dict(kwargs, args=list(args)) if args else kwargs


def _told_tool(agent: Agent, function: Any, name: str) -> Any:
    try:
        signature: Optional[inspect.Signature] = inspect.signature(function)
    except (TypeError, ValueError):
        signature = None

    def begin(args: Any, kwargs: _Params) -> Call:
        return Call(agent, "agent.tool", name, _arguments(signature, args, kwargs))

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs) as call:
            call.result = await function(*args, **kwargs)
        return call.result

    def called(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs) as call:
            call.result = function(*args, **kwargs)
        return call.result

    def generated(*args: Any, **kwargs: Any) -> Any:
        return _ToldGenerator(begin(args, kwargs), function(*args, **kwargs))

    def async_generated(*args: Any, **kwargs: Any) -> Any:
        return _ToldAsyncGenerator(begin(args, kwargs), function(*args, **kwargs))

    told: Callable[..., Any] = called
    if inspect.iscoroutinefunction(function):
        told = awaited
    elif inspect.isasyncgenfunction(function):
        told = async_generated
    elif inspect.isgeneratorfunction(function):
        told = generated
    return functools.wraps(function)(told)


class _Yielded:
    """The call of a generator: from its making to its end."""

    def __init__(self, call: Call) -> None:
        self.call = call.__enter__()
        self.items: List[Any] = []
        self.count = 0
        self.over = False

    def item(self, item: Any) -> Any:
        self.count += 1
        if self.count <= 1000:  # they may be endless
            self.items.append(item)
        return item

    def end(self, error: Optional[BaseException] = None) -> None:
        if self.over:
            return
        self.over = True
        if self.count > len(self.items):
            self.items.append("…[cut: %d more items]" % (self.count - len(self.items)))
        self.call.result = self.items
        self.call.__exit__(type(error) if error else None, error, None)


class _ToldGenerator(Generator[Any, Any, Any]):
    def __init__(self, call: Call, inner: Generator[Any, Any, Any]) -> None:
        self._yielded = _Yielded(call)
        self._inner = inner

    def _step(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return self._yielded.item(step(*args))
        except StopIteration:
            self._yielded.end()
            raise
        except BaseException as error:
            self._yielded.end(error)
            raise

    def send(self, value: Any) -> Any:
        return self._step(self._inner.send, value)

    def throw(self, *args: Any) -> Any:  # type: ignore[override]
        return self._step(self._inner.throw, *args)

    def __getattr__(self, name: str) -> Any:  # gi_frame and the like
        return getattr(self._inner, name)

    def __del__(self) -> None:
        self._yielded.end()


class _ToldAsyncGenerator(AsyncGenerator[Any, Any]):
    def __init__(self, call: Call, inner: AsyncGenerator[Any, Any]) -> None:
        self._yielded = _Yielded(call)
        self._inner = inner

    async def _step(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return self._yielded.item(await step(*args))
        except StopAsyncIteration:
            self._yielded.end()
            raise
        except BaseException as error:
            self._yielded.end(error)
            raise

    async def asend(self, value: Any) -> Any:
        return await self._step(self._inner.asend, value)

    async def athrow(self, *args: Any) -> Any:  # type: ignore[override]
        return await self._step(self._inner.athrow, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        self._yielded.end()


# ---- What models are asked, and what they answer -------------------------------------------------
#
# Objects of the vendors' libraries and plain dicts alike. Whatever has not the expected type
# counts as missing: a client may be a stub, and the APIs grow.


def _get(thing: Any, name: str) -> Any:
    if isinstance(thing, dict):
        return thing.get(name)
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


class _ToolCall(NamedTuple):
    id: str
    name: str
    arguments: Any  # an object, or the text itself where that was no JSON object

    def arguments_object(self) -> Any:
        return self.arguments if isinstance(self.arguments, dict) else {"arguments": self.arguments}


class _Message(NamedTuple):
    role: str
    content: str = ""
    name: str = ""
    tool_call_id: str = ""
    tool_calls: Tuple[_ToolCall, ...] = ()
    is_error: bool = False

    def digest(self) -> int:
        """Costs little for a text that was asked before: Python keeps the hash of a string."""
        calls = tuple((call.id, call.name, _dump(call.arguments)) for call in self.tool_calls)
        return hash((self.role, self.content, self.name, self.tool_call_id, calls))

    def tokens(self) -> int:
        calls = "".join(call.name + _dump(call.arguments) for call in self.tool_calls)
        return _estimate(self.content) + _estimate(calls)

    def json(self) -> str:
        message: _Params = {"role": self.role, "content": self.content}
        if self.name:
            message["name"] = self.name
        if self.tool_call_id:
            message["tool_call_id"] = self.tool_call_id
        if self.tool_calls:
            message["tool_calls"] = [call._asdict() for call in self.tool_calls]
        return _dump(message)


def _estimate(text: str) -> int:
    """The runtime's estimate of tokens: ASCII characters / 3.5 + others / 1.5, rounded up."""
    others = 0 if text.isascii() else sum(character > "\x7f" for character in text)
    return (6 * (len(text) - others) + 14 * others + 20) // 21


def _object_of(arguments: Any) -> Any:
    """What the model gave as arguments: an object where it is one, as object or as JSON."""
    if isinstance(arguments, str):
        try:
            parsed = json.loads(arguments) if arguments else {}
        except (ValueError, RecursionError):
            return arguments
        return _bounded(parsed) if isinstance(parsed, dict) else arguments
    return _bounded(arguments) if isinstance(arguments, dict) else {}


def _read_call(call: Any) -> _ToolCall:
    """A call in OpenAI's form (with "function"), Anthropic's ("input") or agdb's ("arguments")."""
    function = _get(call, "function")
    inner = function if _text(_get(function, "name")) else call
    arguments = _get(inner, "arguments")
    if arguments is None:
        arguments = _get(inner, "input")
    identity = _text(_get(call, "call_id")) or _text(_get(call, "id"))
    return _ToolCall(identity, _text(_get(inner, "name")), _object_of(arguments))


def _placeholder(block: Any, kind: str) -> str:
    """Pictures and the like are not told, but what they were: "[image image/png, 9 bytes]"."""
    source = _get(block, "source") or _get(block, "image_url") or block
    url = _text(_get(source, "url")) or _text(source)
    media, data = _text(_get(source, "media_type")), _text(_get(source, "data"))
    if url.startswith("data:"):
        media, _, data = url[len("data:"):].partition(",")
        media = media.partition(";")[0]
    elif url:
        return "[%s %s]" % (kind, _cut(url, 200))
    if not data:
        return "[%s]" % kind
    return "[%s %s, %d bytes]" % (kind, media or "of unknown type", len(data.rstrip("=")) * 3 // 4)


def _block_text(block: Any) -> Optional[str]:
    """What the model reads of a block of content; None for its own thinking."""
    if isinstance(block, str):
        return block
    kind = _text(_get(block, "type")) or "text"
    if kind in ("image_url", "input_image"):
        kind = "image"
    if kind in ("text", "input_text", "output_text"):
        return _text(_get(block, "text"))
    if kind == "refusal":
        return _text(_get(block, "refusal"))
    if kind in ("thinking", "redacted_thinking", "reasoning"):
        return None
    if kind in _SERVER_TOOLS:
        return _server_call(kind, _text(_get(block, "name")), _get(block, "input"))
    return _placeholder(block, kind)


# Tools that the model's own server runs: neither the agent's calls nor text, so told as a mark.
_SERVER_TOOLS = ("server_tool_use", "mcp_tool_use")


def _server_call(kind: str, name: str, arguments: Any) -> str:
    return "[%s %s %s]" % (kind, name, _dump(_object_of(arguments)))


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts = (_block_text(block) for block in _list(content))
    return "\n".join(text for text in texts if text)


def _read_message(message: Any) -> Iterator[_Message]:
    """One message of an API is several of agdb's where tools' results are blocks of its content."""
    role = _text(_get(message, "role"))
    content = _get(message, "content")
    calls = [_read_call(call) for call in _list(_get(message, "tool_calls"))]
    texts: List[str] = [content] if isinstance(content, str) else []
    results = False
    for block in _list(content):
        kind = _get(block, "type")
        if kind == "tool_use":
            calls.append(_read_call(block))
        elif kind == "tool_result":
            results = True
            yield _Message("tool", _content_text(_get(block, "content")), "",
                           _text(_get(block, "tool_use_id")), (), _get(block, "is_error") is True)
        else:
            text = _block_text(block)
            if text:
                texts.append(text)
    if texts or calls or not results:
        yield _Message("tool" if role == "function" else role, "\n".join(texts),
                       _text(_get(message, "name")), _text(_get(message, "tool_call_id")),
                       tuple(calls))


def _read_messages(items: Any) -> List[_Message]:
    """Messages of chat completions and of Anthropic, and the items of OpenAI's responses."""
    messages: List[_Message] = []
    for item in [items] if isinstance(items, str) else _list(items):
        kind = _get(item, "type")
        if isinstance(item, str):
            messages.append(_Message("user", item))
        elif kind in ("function_call", "custom_tool_call"):
            before = messages.pop() if messages and messages[-1].role == "assistant" else None
            before = before or _Message("assistant")
            messages.append(before._replace(tool_calls=before.tool_calls + (_read_call(item),)))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            messages.append(_Message("tool", _content_text(_get(item, "output")), "",
                                     _text(_get(item, "call_id"))))
        elif kind in (None, "message") or _text(_get(item, "role")):
            messages.extend(_read_message(item))
        elif kind != "reasoning":
            messages.append(_Message("assistant", _placeholder(item, _text(kind))))
    return messages


def _split_prompt(messages: List[_Message]) -> Tuple[str, List[_Message]]:
    """The system messages at the beginning, and the rest."""
    prompt = list(itertools.takewhile(lambda one: one.role in ("system", "developer"), messages))
    return "\n".join(one.content for one in prompt), messages[len(prompt):]


class _Answer:
    """A model's answer, whole or as far as its chunks have come."""

    def __init__(self) -> None:
        self.model = ""
        self.text: List[str] = []
        self.thinking: List[Tuple[str, str]] = []  # with their signatures
        self.calls: List[_ToolCall] = []
        self.stop_reason = ""
        self.error = ""
        self.request_tokens = self.response_tokens = 0
        self.cache_read = self.cache_creation = 0
        self.has_usage = False
        # Of streams: what is in pieces, by the pieces' index.
        self.blocks: Dict[int, "_Block"] = {}

    def content(self) -> str:
        return "".join(self.text)

    def add_text(self, text: Optional[str]) -> None:
        """A block of its own."""
        if text:
            self.text.append("\n" + text if self.text else text)

    def message(self) -> _Message:
        return _Message("assistant", self.content(), tool_calls=tuple(self.calls))

    def block(self, index: Any) -> "_Block":
        return self.blocks.setdefault(_number(index), _Block())

    def assemble(self) -> None:
        """The pieces become text, thinking and calls, in their order."""
        for index in sorted(self.blocks):
            block = self.blocks[index]
            if block.kind == "call":
                call = {"id": block.id, "name": block.name, "arguments": "".join(block.pieces)}
                self.calls.append(_read_call(call))
            elif block.kind == "thinking":
                self.thinking.append(("".join(block.pieces), block.signature))
            elif block.kind in _SERVER_TOOLS:
                self.add_text(_server_call(block.kind, block.name, "".join(block.pieces)))
            else:
                self.add_text("".join(block.pieces))
        self.blocks = {}


class _Block:
    def __init__(self) -> None:
        self.kind = "text"  # or "thinking", "call", one of _SERVER_TOOLS
        self.id = self.name = self.signature = ""
        self.pieces: List[str] = []

    def add(self, kind: str, piece: Any) -> bool:
        """Whether something of the answer has come."""
        self.kind = kind
        if _text(piece):
            self.pieces.append(piece)
        return bool(_text(piece))


# Chat completions. Of several choices the first counts. A stream's text is block -1, its thinking
# -2, and the calls have the numbers that the API gives them.


def _chat_usage(answer: _Answer, usage: Any) -> None:
    if not _number(_get(usage, "prompt_tokens")):
        return
    answer.has_usage = True
    answer.request_tokens = _number(_get(usage, "prompt_tokens"))
    answer.response_tokens = _number(_get(usage, "completion_tokens"))
    details = _get(usage, "prompt_tokens_details")
    answer.cache_read = (_number(_get(details, "cached_tokens"))
                         or _number(_get(usage, "prompt_cache_hit_tokens")))


def _thought(message: Any) -> str:
    return _text(_get(message, "reasoning_content")) or _text(_get(message, "reasoning"))


def _chat_whole(answer: _Answer, completion: Any) -> None:
    answer.model = _text(_get(completion, "model")) or answer.model
    _chat_usage(answer, _get(completion, "usage"))
    for choice in _list(_get(completion, "choices"))[:1]:
        message = _get(choice, "message")
        answer.stop_reason = _text(_get(choice, "finish_reason"))
        answer.add_text(_content_text(_get(message, "content"))
                        or _text(_get(message, "refusal")))
        answer.calls = [_read_call(call) for call in _list(_get(message, "tool_calls"))]
        if _thought(message):
            answer.thinking.append((_thought(message), ""))


def _chat_chunk(answer: _Answer, chunk: Any) -> bool:
    answer.model = _text(_get(chunk, "model")) or answer.model
    _chat_usage(answer, _get(chunk, "usage"))
    came = False
    for choice in _list(_get(chunk, "choices")):
        if _number(_get(choice, "index")) != 0:
            continue
        delta = _get(choice, "delta")
        answer.stop_reason = _text(_get(choice, "finish_reason")) or answer.stop_reason
        if _thought(delta):
            came |= answer.block(-2).add("thinking", _thought(delta))
        came |= answer.block(-1).add("text", _get(delta, "content"))
        came |= answer.block(-1).add("text", _get(delta, "refusal"))
        for call in _list(_get(delta, "tool_calls")):
            block = answer.block(_get(call, "index"))
            function = _get(call, "function")
            block.id = block.id or _text(_get(call, "id"))
            block.name = block.name or _text(_get(function, "name"))
            block.add("call", _get(function, "arguments"))
            came = True
    return came


# Anthropic. Its input_tokens leave out what came from the cache or went there.


def _messages_usage(answer: _Answer, usage: Any) -> None:
    if usage is None:
        return
    answer.has_usage = True
    cached = answer.cache_read + answer.cache_creation
    fresh = answer.request_tokens - cached
    if _get(usage, "input_tokens") is not None:
        fresh = _number(_get(usage, "input_tokens"))
    if _get(usage, "cache_read_input_tokens") is not None:
        answer.cache_read = _number(_get(usage, "cache_read_input_tokens"))
    if _get(usage, "cache_creation_input_tokens") is not None:
        answer.cache_creation = _number(_get(usage, "cache_creation_input_tokens"))
    answer.request_tokens = fresh + answer.cache_read + answer.cache_creation
    answer.response_tokens = _number(_get(usage, "output_tokens")) or answer.response_tokens


def _messages_whole(answer: _Answer, message: Any) -> None:
    answer.model = _text(_get(message, "model")) or answer.model
    answer.stop_reason = _text(_get(message, "stop_reason"))
    _messages_usage(answer, _get(message, "usage"))
    for block in _list(_get(message, "content")):
        kind = _get(block, "type")
        if kind == "tool_use":
            answer.calls.append(_read_call(block))
        elif kind == "thinking":
            thinking = _text(_get(block, "thinking")), _text(_get(block, "signature"))
            answer.thinking.append(thinking)
        elif kind == "redacted_thinking":
            answer.thinking.append(("", _text(_get(block, "data"))))
        else:
            answer.add_text(_block_text(block))


def _messages_chunk(answer: _Answer, event: Any) -> bool:
    kind = _get(event, "type")
    if kind == "message_start":
        message = _get(event, "message")
        answer.model = _text(_get(message, "model")) or answer.model
        _messages_usage(answer, _get(message, "usage"))
    elif kind == "message_delta":
        delta = _get(event, "delta")
        answer.stop_reason = _text(_get(delta, "stop_reason")) or answer.stop_reason
        _messages_usage(answer, _get(event, "usage"))
    elif kind == "content_block_start":
        return _messages_block(answer.block(_get(event, "index")), _get(event, "content_block"))
    elif kind == "content_block_delta":
        delta = _get(event, "delta")
        block = answer.block(_get(event, "index"))
        block.signature += _text(_get(delta, "signature"))
        for name in ("text", "thinking", "partial_json"):
            if _text(_get(delta, name)):
                return block.add(block.kind, _get(delta, name))
    elif kind == "error":
        error = _get(event, "error")
        answer.error = "%s: %s" % (_text(_get(error, "type")), _text(_get(error, "message")))
    return False


def _messages_block(block: _Block, start: Any) -> bool:
    kind = _get(start, "type")
    if kind == "tool_use":
        block.id, block.name = _text(_get(start, "id")), _text(_get(start, "name"))
        return not block.add("call", "")
    if kind in ("thinking", "redacted_thinking"):
        block.signature = _text(_get(start, "signature")) or _text(_get(start, "data"))
        return block.add("thinking", _get(start, "thinking"))
    if kind in _SERVER_TOOLS:
        block.name = _text(_get(start, "name"))
        return not block.add(kind, "")
    return block.add("text", _block_text(start))


# OpenAI's responses. A stream ends with the whole, which makes its pieces needless.


def _responses_whole(answer: _Answer, response: Any) -> None:
    answer.model = _text(_get(response, "model")) or answer.model
    details = _get(response, "incomplete_details")
    answer.stop_reason = _text(_get(details, "reason")) or _text(_get(response, "status"))
    answer.error = _text(_get(_get(response, "error"), "message"))
    usage = _get(response, "usage")
    if usage is not None:
        answer.has_usage = True
        answer.request_tokens = _number(_get(usage, "input_tokens"))
        answer.response_tokens = _number(_get(usage, "output_tokens"))
        answer.cache_read = _number(_get(_get(usage, "input_tokens_details"), "cached_tokens"))
    output = _list(_get(response, "output"))
    for item in output:
        if _get(item, "type") == "reasoning":
            text = _summary(item)
            if text:
                answer.thinking.append((text, ""))
    for message in _read_messages(output):
        answer.add_text(message.content)
        answer.calls.extend(message.tool_calls)


def _summary(item: Any) -> str:
    return "\n".join(_text(_get(part, "text")) for part in _list(_get(item, "summary")))


def _responses_chunk(answer: _Answer, event: Any) -> bool:
    kind = _text(_get(event, "type"))
    if kind in ("response.completed", "response.incomplete", "response.failed"):
        answer.blocks = {}
        _responses_whole(answer, _get(event, "response"))
    elif kind == "response.created":
        answer.model = _text(_get(_get(event, "response"), "model")) or answer.model
    elif kind == "response.output_item.added":
        item = _get(event, "item")
        if _get(item, "type") == "function_call":
            block = answer.block(_get(event, "output_index"))
            block.id, block.name = _text(_get(item, "call_id")), _text(_get(item, "name"))
            return not block.add("call", "")
    elif kind in ("response.output_text.delta", "response.refusal.delta"):
        return answer.block(_get(event, "output_index")).add("text", _get(event, "delta"))
    elif kind == "response.function_call_arguments.delta":
        return answer.block(_get(event, "output_index")).add("call", _get(event, "delta"))
    elif kind == "response.reasoning_summary_text.delta":
        return answer.block(_get(event, "output_index")).add("thinking", _get(event, "delta"))
    elif kind == "error":
        answer.error = _text(_get(event, "message"))
    return False


class _Shape(NamedTuple):
    """How one API says things."""

    whole: Callable[[_Answer, Any], None]
    chunk: Callable[[_Answer, Any], bool]  # whether something of the answer came
    messages: str  # the request's parameters of these names
    prompt: str


_CHAT = _Shape(_chat_whole, _chat_chunk, "messages", "")
_MESSAGES = _Shape(_messages_whole, _messages_chunk, "messages", "system")
_RESPONSES = _Shape(_responses_whole, _responses_chunk, "input", "instructions")

_METHODS: Dict[Tuple[str, ...], _Shape] = {
    ("chat", "completions", "create"): _CHAT,
    ("chat", "completions", "parse"): _CHAT,
    ("beta", "chat", "completions", "parse"): _CHAT,
    ("responses", "create"): _RESPONSES,
    ("responses", "parse"): _RESPONSES,
    ("messages", "create"): _MESSAGES,
    ("messages", "parse"): _MESSAGES,
    ("messages", "stream"): _MESSAGES,
    ("beta", "messages", "create"): _MESSAGES,
    ("beta", "messages", "parse"): _MESSAGES,
    ("beta", "messages", "stream"): _MESSAGES,
}
_PATHS = {path[:size] for path in _METHODS for size in range(1, len(path))}


class _Exchange:
    """One request to a model and its answer, from the call to the last chunk. Told once."""

    def __init__(self, agent: Agent, shape: _Shape, ctx_id: int, request: _Params) -> None:
        self._agent = agent
        self._shape = shape
        self._ctx_id = ctx_id
        self._prompt = ""
        self._messages: Optional[List[_Message]] = None  # None: not known
        self._answer = _Answer()
        self._chunks = 0
        self._first_token = 0
        self._began = agent._now()
        self._told = False
        self._read_request(request)

    @_quietly
    def _read_request(self, request: _Params) -> None:
        if not self._agent.alive:
            return
        self._answer.model = _text(request.get("model"))
        given = request.get(self._shape.messages)
        if not isinstance(given, (list, tuple, str)):
            return  # an iterator, which only the client may consume
        prompt, messages = _split_prompt(_read_messages(given))
        if self._shape.prompt:
            first = _content_text(request.get(self._shape.prompt))
            prompt = "\n".join(text for text in (first, prompt) if text)
        self._agent._tell_results(messages)
        self._prompt, self._messages = prompt, messages
        self._agent._tell_context(self._ctx_id, prompt, messages)
        self._began = self._agent._now()

    @_quietly
    def whole(self, answer: Any) -> None:
        if not self._told and self._agent.alive:
            self._shape.whole(self._answer, answer)
        self._tell()

    @_quietly
    def chunk(self, chunk: Any) -> None:
        if self._told or not self._agent.alive:
            return
        self._chunks += 1
        if self._shape.chunk(self._answer, chunk):
            self.token()

    def token(self) -> None:
        """Something of the answer has come."""
        if not self._first_token:
            self._first_token = max(1, self._agent._now() - self._began)

    @_quietly
    def finish(self, snapshot: Any = None) -> None:
        """The stream ended, or its reader has left it. `snapshot`: the whole, where it is known."""
        if self._told:
            return
        if snapshot is not None and not self._chunks:
            self._shape.whole(self._answer, snapshot)
        self._answer.stop_reason = self._answer.stop_reason or "stream_closed"
        self._tell()

    @_quietly
    def fail(self, error: BaseException) -> None:
        self._answer.error = _error_text(error)
        self._tell()

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        agent, answer = self._agent, self._answer
        answer.assemble()
        if not answer.has_usage and not answer.error:
            self._estimate()
        agent._tell_response(answer, self._began, agent._now() - self._began, self._first_token)
        if self._messages is not None and not answer.error:
            agent._tell_context(self._ctx_id, self._prompt,
                                self._messages + [answer.message()])

    def _estimate(self) -> None:
        """OpenAI's streams tell no usage unless asked to; budgets shall count all the same."""
        self._answer.request_tokens = _estimate(self._prompt) + sum(
            message.tokens() for message in self._messages or ())
        self._answer.response_tokens = self._answer.message().tokens()

    def _fault(self, error: Exception) -> None:
        self._agent._fault(error)

    def __del__(self) -> None:
        if self._chunks and not self._told:  # a stream that was dropped
            self.finish()


# ---- The wrapped client --------------------------------------------------------------------------


def _delegate(name: str) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        target = self._agdb_target
        result = getattr(target, name)(*args, **kwargs)
        if result is target:
            return self
        if inspect.iscoroutine(result):
            return _same(self, target, result)
        return result

    call.__name__ = name
    return call


async def _same(proxy: Any, target: Any, result: Any) -> Any:
    """Awaits the result; what gives itself gives its proxy."""
    value = await result
    return proxy if value is target else value


def _has(kind: type, name: str) -> bool:
    """Whether Python would find the special method; hasattr() finds those of the metaclass too."""
    found = (vars(one)[name] for one in kind.__mro__ if name in vars(one))
    return next(found, None) is not None


# Python looks these up in the type, so each proxied type gets a class with those that it has.
_SPECIAL = {name: _delegate(name) for name in (
    "__enter__", "__exit__", "__aenter__", "__aexit__", "__iter__", "__next__", "__aiter__",
    "__anext__", "__await__", "__call__", "__len__", "__bool__", "__contains__", "__getitem__")}


class _Proxy:
    """Stands for `target`: its attributes, its class for isinstance, its equality, its text."""

    _agdb_special: Dict[str, Any] = _SPECIAL
    _agdb_target: Any

    @classmethod
    def _agdb_make(cls, target: Any, **own: Any) -> Any:
        special = {name: function for name, function in cls._agdb_special.items()
                   if _has(type(target), name)}
        proxy = object.__new__(type(cls.__name__, (cls,), special))
        for name, value in {"_agdb_target": target, **own}.items():
            object.__setattr__(proxy, name, value)
        return proxy

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._agdb_target)

    @__class__.setter
    def __class__(self, value: Any) -> None:
        self._agdb_target.__class__ = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agdb_target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._agdb_target, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._agdb_target, name)

    def __dir__(self) -> Iterable[str]:
        return dir(self._agdb_target)

    def __repr__(self) -> str:
        return repr(self._agdb_target)

    def __str__(self) -> str:
        return str(self._agdb_target)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, type(self)) or hasattr(type(other), "_agdb_make"):
            other = cast(Any, other)._agdb_target
        return bool(self._agdb_target == other)

    def __hash__(self) -> int:
        return hash(self._agdb_target)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._agdb_target.__reduce_ex__(protocol)


class _Client(_Proxy):
    """The client, and what lies on the way from it to the methods that are told."""

    _agdb_agent: Agent
    _agdb_ctx_id: int
    _agdb_path: Tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._agdb_target, name)
        path = self._agdb_path + (name,)
        if path in _METHODS and callable(value):
            return _told_method(value, self._agdb_agent, self._agdb_ctx_id, path)
        if path in _PATHS:
            return _client(value, self._agdb_agent, self._agdb_ctx_id, path)
        if path in (("with_options",), ("copy",)) and callable(value):
            return _told_copy(value, self._agdb_agent, self._agdb_ctx_id)
        return value


def _client(target: Any, agent: Agent, ctx_id: int, path: Tuple[str, ...]) -> Any:
    return _Client._agdb_make(target, _agdb_agent=agent, _agdb_ctx_id=ctx_id, _agdb_path=path)


def _wrapped(client: Any, agent: Agent, ctx_id: int) -> Any:
    try:
        if not any(hasattr(client, name) for name in ("chat", "messages", "responses")):
            _notice("wrap", "wrap() knows no model calls of %s: it stays as it is"
                    % type(client).__name__)
            return client
        # One that is wrapped already tells its calls to this agent from now on, not to both.
        target = client._agdb_target if hasattr(type(client), "_agdb_make") else client
        return _client(target, agent, ctx_id, ())
    except Exception as error:
        agent._fault(error)
        return client


def _told_copy(copy: Any, agent: Agent, ctx_id: int) -> Any:
    @functools.wraps(copy)
    def told(*args: Any, **kwargs: Any) -> Any:
        return _wrapped(copy(*args, **kwargs), agent, ctx_id)

    return told


def _told_method(method: Any, agent: Agent, ctx_id: int, path: Tuple[str, ...]) -> Any:
    if path[-1] == "stream":
        return _told_manager(method, agent, ctx_id, _METHODS[path])
    return _told_create(method, agent, ctx_id, _METHODS[path])


def _told_manager(method: Any, agent: Agent, ctx_id: int, shape: _Shape) -> Any:
    """messages.stream() gives what becomes the stream when it is entered."""
    @functools.wraps(method)
    def told(*args: Any, **kwargs: Any) -> Any:
        manager = method(*args, **kwargs)
        if not agent.alive:
            return manager
        exchange = _Exchange(agent, shape, ctx_id, kwargs)
        return _Manager._agdb_make(manager, _agdb_exchange=exchange)

    return told


def _told_create(method: Any, agent: Agent, ctx_id: int, shape: _Shape) -> Any:
    @functools.wraps(method)
    def told(*args: Any, **kwargs: Any) -> Any:
        if not agent.alive:
            return method(*args, **kwargs)
        exchange = _Exchange(agent, shape, ctx_id, kwargs)
        streams = kwargs.get("stream") is True
        try:
            answer = method(*args, **kwargs)
        except BaseException as error:
            exchange.fail(error)
            raise
        if inspect.isawaitable(answer):
            return _awaited(answer, exchange, streams)
        return _answered(answer, exchange, streams)

    return told


async def _awaited(answer: Any, exchange: _Exchange, streams: bool) -> Any:
    try:
        value = await answer
    except BaseException as error:
        exchange.fail(error)
        raise
    return _answered(value, exchange, streams)


def _answered(answer: Any, exchange: _Exchange, streams: bool) -> Any:
    if streams:
        return _stream(answer, exchange)
    exchange.whole(answer)
    return answer


def _iterate(self: Any) -> Any:
    target = self._agdb_target
    iterator = target.__iter__()
    return self if iterator is target else _stream(iterator, self._agdb_exchange)


def _aiterate(self: Any) -> Any:
    target = self._agdb_target
    iterator = target.__aiter__()
    return self if iterator is target else _stream(iterator, self._agdb_exchange)


def _next(self: Any) -> Any:
    return self._agdb_step(self._agdb_target.__next__)


async def _anext(self: Any) -> Any:
    return await self._agdb_astep(self._agdb_target.__anext__)


def _exit(self: Any, *args: Any) -> Any:
    try:
        return self._agdb_target.__exit__(*args)
    finally:
        self._agdb_finish()


async def _aexit(self: Any, *args: Any) -> Any:
    try:
        return await self._agdb_target.__aexit__(*args)
    finally:
        self._agdb_finish()


class _Stream(_Proxy):
    """A stream of chunks: what passes is told, when the last has come or the reader leaves."""

    _agdb_special = dict(_SPECIAL, __iter__=_iterate, __aiter__=_aiterate, __next__=_next,
                         __anext__=_anext, __exit__=_exit, __aexit__=_aexit)
    _agdb_exchange: _Exchange

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._agdb_target, name)
        if name in ("close", "aclose"):
            return self._agdb_closing(value)
        if name in ("send", "throw"):
            return functools.partial(self._agdb_step, value)
        if name in ("asend", "athrow"):
            return functools.partial(self._agdb_astep, value)
        if name == "text_stream":
            noted = _anoted_texts if _has(type(value), "__aiter__") else _noted_texts
            return noted(value, self._agdb_exchange)
        return value

    def _agdb_step(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            chunk = step(*args)
        except StopIteration:
            self._agdb_finish()
            raise
        except BaseException as error:
            self._agdb_exchange.fail(error)
            raise
        self._agdb_exchange.chunk(chunk)
        return chunk

    async def _agdb_astep(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            chunk = await step(*args)
        except StopAsyncIteration:
            self._agdb_finish()
            raise
        except BaseException as error:
            self._agdb_exchange.fail(error)
            raise
        self._agdb_exchange.chunk(chunk)
        return chunk

    def _agdb_finish(self) -> None:
        # Anthropic's helper assembles the message itself, which is all there is to see when it
        # was read by text_stream or get_final_message().
        self._agdb_exchange.finish(_get(self._agdb_target, "current_message_snapshot"))

    def _agdb_closing(self, close: Any) -> Any:
        async def awaited(result: Any) -> Any:
            try:
                return await result
            finally:
                self._agdb_finish()

        @functools.wraps(close)
        def closing(*args: Any, **kwargs: Any) -> Any:
            result = close(*args, **kwargs)
            if inspect.isawaitable(result):
                return awaited(result)
            self._agdb_finish()
            return result

        return closing


def _stream(target: Any, exchange: _Exchange) -> Any:
    return _Stream._agdb_make(target, _agdb_exchange=exchange)


def _noted_texts(texts: Iterator[str], exchange: _Exchange) -> Iterator[str]:
    try:
        for text in texts:
            exchange.token()
            yield text
    except Exception as error:
        exchange.fail(error)
        raise


async def _anoted_texts(texts: AsyncIterator[str], exchange: _Exchange) -> AsyncIterator[str]:
    try:
        async for text in texts:
            exchange.token()
            yield text
    except Exception as error:
        exchange.fail(error)
        raise


def _enter_manager(self: Any) -> Any:
    try:
        stream = self._agdb_target.__enter__()
    except BaseException as error:
        self._agdb_exchange.fail(error)
        raise
    return self._agdb_entered(stream)


async def _aenter_manager(self: Any) -> Any:
    try:
        stream = await self._agdb_target.__aenter__()
    except BaseException as error:
        self._agdb_exchange.fail(error)
        raise
    return self._agdb_entered(stream)


class _Manager(_Proxy):
    """What messages.stream() gives: a context manager whose value is the stream."""

    _agdb_special = dict(_SPECIAL, __enter__=_enter_manager, __aenter__=_aenter_manager,
                         __exit__=_exit, __aexit__=_aexit)
    _agdb_exchange: _Exchange
    _agdb_stream: Any = None

    def _agdb_entered(self, stream: Any) -> Any:
        object.__setattr__(self, "_agdb_stream", stream)
        return _stream(stream, self._agdb_exchange)

    def _agdb_finish(self) -> None:
        self._agdb_exchange.finish(_get(self._agdb_stream, "current_message_snapshot"))


# ---- The program's beginning, forks and end ------------------------------------------------------

_module_lock = threading.RLock()
_links: List[_Link] = []
_default: Optional[Agent] = None
_died_of: Optional[Type[BaseException]] = None
_hooked = False


def _link() -> _Link:
    """The connection to the daemon; a new one where there was none, or that has ended."""
    path = _socket_path()
    for link in _links:
        if link.path == path and link.usable():
            return link
    _hook()
    link = _Link(path)
    _links[:] = [one for one in _links if one.usable()] + [link]
    return link


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)
    before = sys.excepthook

    def note(kind: Type[BaseException], error: BaseException,
             trace: Optional[TracebackType]) -> None:
        global _died_of
        _died_of = kind
        before(kind, error, trace)

    sys.excepthook = note


def _ending(kind: Type[BaseException], error: Optional[BaseException]) -> Tuple[str, int]:
    """How an exception ends an agent: reason and exit code."""
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        return "completed" if code == 0 else "SystemExit", code
    return kind.__name__, 130 if issubclass(kind, KeyboardInterrupt) else 1


def _at_exit() -> None:
    reason, code = ("completed", 0) if _died_of is None else _ending(_died_of, None)
    deadline = time.monotonic() + EXIT_SECONDS
    for link in _links:
        for agent in reversed(list(link.agents)):
            agent.close(reason, code)
        link.flush(max(0.0, deadline - time.monotonic()))


def _in_child() -> None:
    global _module_lock, _default, _died_of
    _module_lock = threading.RLock()
    _default = _died_of = None
    for link in _links:
        link.abandon()
    _links.clear()
