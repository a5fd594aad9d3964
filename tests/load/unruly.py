"""Peers that behave badly, all at once: connections that come and go at random moments, nonsense, huge lines, slow ones.

A crowd runs in a process of its own, so that it disturbs nobody who measures.
"""

import json
import multiprocessing
import random
import socket
import threading
import time

from daemon import Peer, line

OPEN_AT_ONCE = 200
LIMIT = 64 << 20  # of a line
PATIENCE = 120  # seconds that an answer may take

REQUEST = line("daemon.status", {}, id=1)
NONSENSE = [b"\n", b"{\n", b"[]\n", b"null\n", b"\xff\xfe\n", b"[" * 5000 + b"\n", b"[1,2,3]\n", b'{"jsonrpc":"2.0"}\n',
            b'{"jsonrpc":"2.0","id":1,"method":"agent.call","params":{"pid":-1}}\n',
            b'{"jsonrpc":"2.0","id":1,"method":"strace.attach","params":{"pids":"all"}}\n',
            b'{"jsonrpc":"2.0","id":1,"method":"nothing","params":7}\n', b"\x00" * 3000 + b"\n"]


class Crowd:
    def __init__(self, path, connections, seed):
        self.results = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=_work, args=(path, connections, seed, self.results))
        self.process.start()

    def finish(self):
        """What went wrong, when all have gone."""
        told, failures = self.results.get()
        self.process.join()
        print("crowd: " + told)
        return failures


def _work(path, connections, seed, results):
    failures = []
    began = time.monotonic()
    lasting = [threading.Thread(target=_guarded, args=(work, path, failures)) for work in (_slow, _huge, _nonsense)]
    for thread in lasting:
        thread.start()
    _guarded(lambda p: _come_and_go(p, connections, random.Random(seed)), path, failures)
    for thread in lasting:
        thread.join()
    results.put((f"{connections} connections, nonsense, huge lines, slow peers in {time.monotonic() - began:.0f} s", failures))


def _guarded(work, path, failures):
    try:
        work(path)
    except Exception as error:  # whatever it is, it goes into the report
        failures.append(f"{getattr(work, '__name__', 'churn')}: {type(error).__name__}: {error}")


def _connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(PATIENCE)
    peer.connect(path)
    return peer


def _come_and_go(path, connections, chance):
    """Each is dropped at a random moment: just connected, in the middle of a line, with a view, an agent, a wait."""
    ways = [_say_nothing, _half_a_line, _ask_and_go, _half_closed, _view, _agent, _recorded_agent, _wait]
    here = []
    for number in range(connections):
        peer = _connect(path)
        try:
            chance.choice(ways)(peer, chance, number)
        except (BrokenPipeError, ConnectionResetError):
            pass
        here.append(peer)
        if len(here) >= OPEN_AT_ONCE:
            here.pop(chance.randrange(len(here))).close()
    for peer in here:
        peer.close()


def _say_nothing(peer, chance, number):
    pass


def _half_a_line(peer, chance, number):
    peer.sendall(REQUEST[:chance.randrange(1, len(REQUEST))])


def _ask_and_go(peer, chance, number):
    peer.sendall(REQUEST * chance.randrange(1, 50))


def _half_closed(peer, chance, number):
    """Whoever has only said all it had to say is still answered."""
    peer.sendall(REQUEST)
    peer.shutdown(socket.SHUT_WR)
    text = b""
    while piece := peer.recv(1 << 16):
        text += piece
    if "result" not in json.loads(text):
        raise ValueError(f"half-closed and not answered: {text[:80]!r}")


def _view(peer, chance, number):
    peer.sendall(line("strace.attach", {"all": True, "last": 100}, id=1))
    if chance.random() < 0.5:
        peer.recv(chance.randrange(1, 1 << 16))


def _agent(peer, chance, number, **more):
    peer.sendall(line("agent.register", {"intent": f"churn {number}", **more}, id=1))
    text = b""
    while b"\n" not in text:
        text += peer.recv(1 << 16)
    pid = json.loads(text.split(b"\n")[0])["result"]["pid"]
    call = line("agent.call", {"pid": pid, "name": "ReadFile", "args": {"path": "a.md"}, "result": "x" * 200})
    text = call * chance.randrange(0, 20)
    peer.sendall(text + call[:chance.randrange(len(call))])


def _recorded_agent(peer, chance, number):
    _agent(peer, chance, number, record=number % 10 == 0)


def _wait(peer, chance, number):
    peer.sendall(line("process.wait", {"pid": 1}, id=1) + line("alerts.follow", {"last": 5}, id=2))


def _slow(path):
    """Ten at once, each a byte a second; each is answered."""
    text = b'{"jsonrpc":"2.0","id":1,"method":"daemon.methods"}\n'
    peers = [_connect(path) for _ in range(10)]
    for byte in text:
        for peer in peers:
            peer.sendall(bytes([byte]))
        time.sleep(1)
    for peer in peers:
        answer = json.loads(peer.makefile("rb").readline())
        if "result" not in answer:
            raise ValueError(f"a slow peer was told {answer}")
        peer.close()


def _huge(path):
    """Lines up to the limit are taken, longer ones are refused, and the connection goes on."""
    start, end = b'{"jsonrpc":"2.0","id":1,"method":"daemon.status","params":{"x":"', b'"}}'
    for size, code in ((1 << 20, -32602), (LIMIT - 1, -32602), (LIMIT, -32602), (LIMIT + 1, -32020), (3 * LIMIT, -32020)):
        peer = Peer(path)
        peer.socket.settimeout(PATIENCE)
        peer.socket.sendall(start)
        left = size - len(start) - len(end)
        while left > 0:
            piece = min(left, 1 << 20)
            peer.socket.sendall(b"x" * piece)
            left -= piece
        peer.socket.sendall(end + b"\n")
        got = json.loads(peer.read_line())["error"]["code"]
        if got != code:
            raise ValueError(f"a line of {size} bytes was answered with {got}, not {code}")
        peer.ask("daemon.status")
        peer.socket.close()


def _nonsense(path):
    """Whatever comes, the next request of the same connection is answered."""
    chance = random.Random(7)
    for _ in range(500):
        peer = Peer(path)
        peer.socket.settimeout(PATIENCE)
        for _ in range(chance.randrange(1, 5)):
            peer.socket.sendall(chance.choice(NONSENSE))
        peer.socket.sendall(chance.randbytes(chance.randrange(1, 2000)).replace(b"\n", b"") + b"\n")
        peer.socket.sendall(line("daemon.methods", {}, id="last"))
        while not _is_answer(peer.read_line(), "last"):
            pass
        peer.socket.close()


def _is_answer(text, number):
    answer = json.loads(text)
    return isinstance(answer, dict) and answer.get("id") == number and "result" in answer
