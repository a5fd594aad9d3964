"""HTTP over a bare socket: bytes go out as they are, and answers are read strictly."""

import json
import re
import socket

# How long the server may be silent before that counts as a failure; no test waits for it.
PATIENCE = 60
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [A-Za-z0-9 -]+")
FIELD = re.compile(rb"([A-Za-z0-9-]+): ([^\r\n\0]*)")


class Broken(Exception):
    """What came back is no answer."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return dict(self.headers).get(name.lower())

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.header('content-type')} {self.body[:300]!r}"


class Connection:
    def __init__(self, port, token=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """The peer may have had enough in the middle of it."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def no_more(self):
        self.socket.shutdown(socket.SHUT_WR)

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        except TimeoutError:
            raise Broken(f"nothing comes behind {self.waiting[:200]!r}")
        self.waiting += piece
        return bool(piece)

    def until(self, end):
        while end not in self.waiting:
            if not self.more():
                raise Broken(f"ended after {self.waiting[:200]!r}")
        taken, _, self.waiting = self.waiting.partition(end)
        return taken

    def exactly(self, size):
        while len(self.waiting) < size:
            if not self.more():
                raise Broken(f"ended {size - len(self.waiting)} bytes early")
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken

    def ended(self):
        """Whether nothing but the end comes."""
        return not self.waiting and not self.more()

    def head(self):
        """Status and headers, of which none may come twice."""
        line, *fields = self.until(b"\r\n\r\n").split(b"\r\n")
        status = STATUS_LINE.fullmatch(line)
        if not status:
            raise Broken(f"no status line: {line[:200]!r}")
        headers = []
        for field in fields:
            parts = FIELD.fullmatch(field)
            if not parts:
                raise Broken(f"no header: {field[:200]!r}")
            headers.append((parts[1].decode().lower(), parts[2].decode("latin-1")))
        if len(headers) != len(dict(headers)):
            raise Broken(f"a header comes twice: {headers}")
        return int(status[1]), headers

    def answer(self, head_only=False):
        status, headers = self.head()
        length, coding = dict(headers).get("content-length"), dict(headers).get("transfer-encoding")
        if length is not None and coding is not None:
            raise Broken("told its length twice")
        if head_only or status in (204, 304) or status < 200:
            return Answer(status, headers, b"")
        if coding == "chunked":
            return Answer(status, headers, self.chunks())
        if length is not None:
            return Answer(status, headers, self.exactly(int(length)))
        while self.more():
            pass
        body, self.waiting = self.waiting, b""
        return Answer(status, headers, body)

    def chunks(self):
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Broken("a chunk does not end where it said")
        if self.exactly(2) != b"\r\n":
            raise Broken("the last chunk does not end")
        return body


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


class Asking:
    """Makes requests to one server, correct but for what is asked to be otherwise."""

    def __init__(self, port, token=None):
        self.host = f"127.0.0.1:{port}"
        self.token = token

    def request(self, method, target, *fields, body=None, kind="application/json", host=True, version="HTTP/1.1"):
        lines = [b" ".join(map(as_bytes, (method, target, version)))]
        if host:
            lines.append(f"Host: {self.host}".encode())
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}".encode())
        lines += map(as_bytes, fields)
        if body is None:
            return b"\r\n".join(lines) + b"\r\n\r\n"
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if kind is not None:
            lines.append(f"Content-Type: {kind}".encode())
        lines.append(f"Content-Length: {len(as_bytes(body))}".encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + as_bytes(body)

    def get(self, target, *fields, **more):
        return self.request("GET", target, *fields, **more)

    def post(self, target, body, *fields, **more):
        return self.request("POST", target, *fields, body=body, **more)
