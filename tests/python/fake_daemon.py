"""A daemon for tests: a thread that speaks the agents' part of ipc/README.md over a Unix socket."""

import json
import os
import pathlib
import shutil
import socket
import tempfile
import threading

SECONDS = 30  # no test waits so long; a broken one ends at last


class FakeDaemon:
    """Answers agents and keeps all that they say, in the order in which it came.

    `reads` is set while it reads, `answers` while it answers; what it says at the gate is `gate`,
    a function of the params that gives a result, or None for no answer yet (then `open_gate`).
    """

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-py-"))
        self.path = str(self.folder / "agdb.sock")
        self.changed = threading.Condition()
        self.messages = []
        self.bad_lines = []
        self.connections = []
        self.disconnected = 0
        self.reads = threading.Event()
        self.reads.set()
        self.gate = lambda params: {"go": True}
        self.refuse_register = None
        self.rejected = 0
        self._next_pid = 1
        self._held_gates = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.reads.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.hang_up()
        shutil.rmtree(self.folder, ignore_errors=True)

    def hang_up(self):
        with self.changed:
            connections, self.connections = self.connections, []
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait_for(self, condition):
        """Waits until the condition holds, which is asked anew at each message."""
        with self.changed:
            if not self.changed.wait_for(condition, SECONDS):
                raise AssertionError("never came; what came: %s" % self.methods())

    def methods(self):
        return [message.get("method") for message in self.messages]

    def of(self, method, pid=None):
        """The params of the messages of that method."""
        with self.changed:
            return [message["params"] for message in self.messages
                    if message["method"] == method and pid in (None, message["params"].get("pid"))]

    def wait_of(self, method, count=1, pid=None):
        """The params of the first `count` of them, once they are there."""
        self.wait_for(lambda: len(self.of(method, pid)) >= count)
        return self.of(method, pid)[:count]

    def open_gate(self, result):
        with self.changed:
            held, self._held_gates = self._held_gates, []
        for connection, number in held:
            self._send(connection, {"jsonrpc": "2.0", "id": number, "result": result})

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.changed:
                self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        rest = b""
        while True:
            self.reads.wait()
            try:
                data = connection.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(connection, line)
        connection.close()
        with self.changed:
            self.disconnected += 1
            self.changed.notify_all()

    def _take(self, connection, line):
        try:
            message = json.loads(line.decode("utf-8"), parse_constant=self._no_constant)
        except ValueError:
            with self.changed:
                self.bad_lines.append(line)
                self.changed.notify_all()
            return
        answer = self._answer(connection, message) if "id" in message else None
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()
        if answer is not None:
            self._send(connection, {"jsonrpc": "2.0", "id": message["id"], **answer})

    @staticmethod
    def _no_constant(name):
        raise ValueError(name + " is no JSON")

    def _answer(self, connection, message):
        method = message["method"]
        if method == "agent.register":
            if self.refuse_register:
                return {"error": {"code": -32008, "message": self.refuse_register,
                                  "data": {"code": "exhausted", "hint": ""}}}
            with self.changed:
                pid, self._next_pid = self._next_pid, self._next_pid + 1
            return {"result": {"pid": pid, "record_id": "rec-%d" % pid, "version": "0.1.0",
                               "traceparent": "00-%032x-%016x-01" % (pid, pid)}}
        if method == "agent.gate":
            result = self.gate(message["params"])
            if result is None:
                with self.changed:
                    self._held_gates.append((connection, message["id"]))
                return None
            return {"result": result}
        return {"result": {"rejected": self.rejected} if self.rejected else {}}

    @staticmethod
    def _send(connection, message):
        try:
            connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass


class Socket:
    """$AGDB_SOCKET for the time of a test."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.before = os.environ.get("AGDB_SOCKET")
        os.environ["AGDB_SOCKET"] = self.path

    def __exit__(self, *_):
        if self.before is None:
            del os.environ["AGDB_SOCKET"]
        else:
            os.environ["AGDB_SOCKET"] = self.before
