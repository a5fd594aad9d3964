"""A daemon that serves HTTP, and ways to ask it: politely, and byte by byte."""

import contextlib
import http.client
import json
import os
import signal
import socket

from agdb_case import SCRIPTS, AgdbCase


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode()


class HttpCase(AgdbCase):
    """Each test has a daemon of its own, with a store of two runs."""

    def setUp(self):
        super().setUp()
        self.socket = self.folder / "s" / "agdb.sock"
        self.daemon = None
        self.token = None

    def agdb(self, *words, **more):
        more.setdefault("environment", {})["AGDB_SOCKET"] = str(self.socket)
        return super().agdb(*words, **more)

    def serve(self, *words):
        self.agdb("serve", "--detach", *(words or ["--http", "127.0.0.1:0"]))
        status = self.agdb("status", "--json").json()
        self.daemon = status["os_pid"]
        self.addCleanup(self.end_daemon)
        self.address = status["listeners"]["http"]
        self.port = int(self.address.rpartition(":")[2])

    def end_daemon(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.daemon, signal.SIGKILL)

    def runs(self):
        for name in ("hello.json", "alternatives.json"):
            self.agdb("run", SCRIPTS / name, "--record")

    def ask(self, method, target, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
            fields.setdefault("Content-Type", "application/json")
        if self.token:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        connection.request(method, target, body, fields)
        got = connection.getresponse()
        # Events have no end: their head is the answer.
        events = got.headers["Content-Type"] == "text/event-stream"
        answer = Answer(got.status, got.headers, b"" if events else got.read())
        connection.close()
        return answer

    def get(self, target, **headers):
        return self.ask("GET", target, **headers)

    def problem(self, status, answer, naming):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        document = answer.json()
        self.assertEqual(document["status"], status)
        self.assertIn(naming, document["detail"])
        return document

    def raw(self, data):
        """What comes back to these bytes until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            got = b""
            while piece := connection.recv(65536):
                got += piece
        return got
