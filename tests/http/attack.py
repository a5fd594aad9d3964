"""What an attack is made of: requests, and the exact answer that each must get."""

import json

from raw_http import Broken, Connection

ATTACKS = []

# Of no answer's business: what runs here, where, and on what.
LEAKS = (b"std::", b"boost::", b".cc:", b"sqlite", b"SQLITE", b"SQL logic", b"syntax error",
         b"Sanitizer", b"terminate called", b"Segmentation")
SAFETY = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
NEVER = ("access-control-allow-origin", "access-control-allow-credentials", "set-cookie", "server", "location",
         "x-powered-by", "upgrade")


def attack(name):
    def register(function):
        ATTACKS.append((name, function))
        return function
    return register


class Unexpected(Exception):
    pass


def shortened(data):
    return repr(data) if len(data) <= 400 else f"{data[:400]!r} … {len(data)} bytes"


class Tries:
    """The requests of one attack, and which of them were not answered as they must be."""

    def __init__(self, victim, document):
        self.victim, self.asking, self.document = victim, victim.asking, document
        self.port = victim.port
        # What is asked to see whether a connection goes on, and how it is answered.
        self.probe, self.probe_status = self.asking.get("/"), 200
        self.tried = 0
        self.surprises = []

    def attempt(self, request, expected, steps):
        self.tried += 1
        try:
            return steps()
        except (Unexpected, Broken, OSError, ValueError) as surprise:
            self.surprises.append(f"  asked     {shortened(request)}\n  expected  {expected}\n"
                                  f"  got       {type(surprise).__name__}: {surprise}")
            return None

    def expect(self, request, status, naming="", *, keeps=True, head_only=False, kind=None, holds=None, headers=(),
               half=False):
        """One request on a connection of its own. `status`: one or several; `keeps`: whether the
        connection serves another request behind this one, or ends; `half`: nothing more is sent."""
        statuses = (status,) if isinstance(status, int) else tuple(status)

        def steps():
            with Connection(self.port) as connection:
                connection.send(request)
                if half:
                    connection.no_more()
                answer = connection.answer(head_only)
                self.check(answer, statuses, naming, kind, head_only)
                for name, value in headers:
                    if answer.header(name) != value:
                        raise Unexpected(f"{name}: {answer.header(name)}")
                if holds is not None and not holds(answer):
                    raise Unexpected(f"an answer that is not as it must be: {answer}")
                self.check_end(connection, answer, keeps)
                return answer
        return self.attempt(request, f"{' or '.join(map(str, statuses))} {naming}, {'kept' if keeps else 'closed'}", steps)

    def expect_nothing(self):
        """Who says nothing is not answered."""
        def steps():
            with Connection(self.port) as connection:
                connection.no_more()
                if not connection.ended():
                    raise Unexpected(f"an answer: {connection.waiting[:200]!r}")
        self.attempt(b"", "no answer, closed", steps)

    def expect_answers(self, request, statuses, keeps):
        """Several requests in one go: one answer each, in order, and then none."""
        def steps():
            with Connection(self.port) as connection:
                connection.send(request)
                for status in statuses:
                    self.check(connection.answer(), (status,), "", None, False)
                if connection.waiting:
                    raise Unexpected(f"more behind the last answer: {connection.waiting[:200]!r}")
                if keeps is not None:
                    self.check_end(connection, None, keeps)
        self.attempt(request, f"{statuses}, {keeps}", steps)

    def expect_true(self, what, true, got=""):
        def steps():
            if not true:
                raise Unexpected(str(got))
        self.attempt(what.encode(), "so", steps)

    def check(self, answer, statuses, naming, kind, head_only):
        if answer.status not in statuses:
            raise Unexpected(str(answer))
        for name, value in SAFETY.items():
            if answer.header(name) != value:
                raise Unexpected(f"{name}: {answer.header(name)}")
        for name in NEVER:
            if answer.header(name) is not None:
                raise Unexpected(f"{name}: {answer.header(name)}")
        if kind is not None and answer.header("content-type") != kind:
            raise Unexpected(f"Content-Type: {answer.header('content-type')}")
        if answer.status >= 400:
            self.check_problem(answer, naming, head_only)
        if str(self.victim.folder).encode() in answer.body or b"root:x:0" in answer.body:
            raise Unexpected(f"what lies on the disk: {answer}")
        for leak in LEAKS if answer.status >= 400 else ():
            if leak in answer.body:
                raise Unexpected(f"tells {leak.decode()}: {answer}")

    def check_problem(self, answer, naming, head_only):
        if answer.header("content-type") != "application/problem+json":
            raise Unexpected(f"no problem document: {answer}")
        if head_only:
            return
        document = json.loads(answer.body.decode("utf-8"))
        told = {name: type(value) for name, value in document.items()}
        must = {"type": str, "title": str, "status": int, "detail": str}
        if not must.items() <= told.items() or not told.keys() <= must.keys() | {"code", "hint"}:
            raise Unexpected(f"no problem document: {answer}")
        if document["status"] != answer.status or naming not in document["detail"]:
            raise Unexpected(str(answer))
        if len(answer.body) > 2048:
            raise Unexpected(f"an answer of {len(answer.body)} bytes to a mistake")

    def check_end(self, connection, answer, keeps):
        if not keeps:
            if answer is not None and answer.header("connection") != "close":
                raise Unexpected("an end that was not told (no Connection: close)")
            if not connection.ended():
                raise Unexpected(f"the connection goes on: {connection.waiting[:200]!r}")
            return
        connection.send(self.probe)
        after = connection.answer()
        if after.status != self.probe_status:
            raise Unexpected(f"the next request of the connection: {after}")

    # --- What there is to attack ------------------------------------------------------------------

    def operations(self):
        """Method, path and declaration of each route."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def parameters(self, operation, place):
        """Name, schema and whether it must be there, of those in "path" or "query"."""
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == place:
                yield parameter["name"], parameter["schema"], parameter.get("required", False)

    def target(self, path, operation, **values):
        """The path with an example in each place but those that are given, and what must be asked with it."""
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                name = parameter["name"]
                path = path.replace("{" + name + "}", values.get(name, example_of(parameter)))
        return path

    def needed(self, operation, without=()):
        """name=example of the parameters of the query that must be there."""
        return [f"{parameter['name']}={example_of(parameter)}" for parameter in operation.get("parameters", ())
                if parameter["in"] == "query" and parameter.get("required") and parameter["name"] not in without]

    def body_of(self, operation):
        """An example of what the route wants to be brought, as JSON; None: nothing."""
        content = operation.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("example")

    def gets(self):
        for method, path, operation in self.operations():
            if method == "GET":
                yield path, operation


def example_of(parameter):
    example = parameter.get("example", parameter["schema"].get("example", "1"))
    return str(example).replace("/", "%2F").replace(" ", "+")
