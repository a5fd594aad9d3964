"""Attacks on what goes on for longer than an answer: live events, and spans that come in."""

import gzip
import json
import zlib

from attack import Tries, Unexpected, attack
from raw_http import Asking, Connection
from victim import SECRETS, Victim


@attack("live events from a place that never was")
def last_event_ids(tries):
    for value in ("x", "-1", "0", "1", "9" * 400, "0-0", "-", "1-", "-1-1", "1e3", "<script>", "%00", "' OR 1=1", "\xff\xfe", "a" * 10_000,
                  "18446744073709551616-1", "ffffffffffffffffffff-1", "../../x", "*", "null", "1, 2", "@"):
        def steps(value=value):
            with Connection(tries.port) as connection:
                connection.send(tries.asking.get("/v1/events/stream?all=true", f"Last-Event-ID: {value}".encode("latin-1")))
                status, headers = connection.head()
                if status != 200 or dict(headers).get("content-type") != "text/event-stream":
                    raise Unexpected(f"{status} {headers}")
                connection.until(b'event: lost\ndata: {"lost":null}\n\n')
        tries.attempt(f"Last-Event-ID: {value}".encode(), "it is told that events are lost", steps)
    for query in ("", "all=false", "all=true&pid=1", "all=true&last=-1", "all=true&last=1000001", "pid=", "all=true&filter=((((", "all=true&filter=",
                  "all=true&filter=" + "(" * 900, "all=true&all=true", "all=yes", "all=true&follow=x", "all=true&nope=1", "pid=x%2F..%2Fy",
                  "pid=99999999999999999999999999", "&".join(["pid=1"] * 101)):
        tries.expect(tries.asking.get(f"/v1/events/stream?{query}"), (400, 404), keeps=query.count("pid") <= 100)
    held = [Connection(tries.port) for _ in range(100)]
    try:
        for connection in held:
            connection.send(tries.asking.get("/v1/events/stream?all=true"))
        for connection in held:
            status, _ = connection.head()
            tries.expect_true("many may look", status == 200, status)
        # What is said on a stream is not heard.
        for connection in held[:50]:
            connection.send(tries.asking.get("/") * 10)
        tries.expect(tries.asking.get("/"), 200)
    finally:
        for connection in held:
            connection.socket.close()


@attack("secrets in recordings")
def recorded_secrets(tries):
    lines = [json.dumps(max(secret.split("\n"), key=len))[1:-1].encode() for secret in SECRETS.values()]

    def hides(answer):
        return not any(line in answer.body for line in lines)
    for path, operation in tries.gets():
        if not path.startswith("/v1/recordings"):
            continue
        for number in ("1", "5", "10"):
            names = [name for name, _, _ in tries.parameters(operation, "path") if name != "id"]
            target = tries.target(path, operation, id="@", **{name: number for name in names})
            query = "&".join(tries.needed(operation))
            tries.expect(tries.asking.get(target + ("?" + query if query else "")), (200, 400, 404), holds=hides)
    for target in ("/v1/recordings/@/events", "/v1/recordings/@/export?format=chrome"):
        tries.expect(tries.asking.get(target), (200, 400), holds=hides)
    tries.expect(tries.asking.get("/v1/recordings/@/events?raw=true"), 200,
                 holds=lambda answer: all(line in answer.body for line in lines[:3]))


def zipped_zeros(size):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * (1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


def span(**more):
    whole = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "x", **more}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [whole]}]}]}


@attack("spans that are none (OTLP)")
def spans(tries):
    with Victim("--http", "127.0.0.1:0", "--otlp", "127.0.0.1:0") as victim:
        victim.begin()
        victim.settle()
        into = Tries(victim, tries.document)
        into.port = int(victim.listeners["otlp"].rpartition(":")[2])
        into.asking = Asking(into.port)
        into.probe, into.probe_status = into.asking.get("/"), 404

        def post(body, *fields, **more):
            return into.asking.post("/v1/traces", body, *fields, **more)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "", None, "application/json+x", "multipart/form-data"):
            into.expect(post("{}", kind=kind), 415, keeps=False)
        into.expect(post(b"\x0a\x00", kind="application/x-protobuf"), 415)
        for coding in ("br", "deflate", "gzip, gzip", "x", "zstd"):
            into.expect(post("{}", f"Content-Encoding: {coding}"), 415)
        for body in ("{", "[]", "null", "1", '"x"', "x", "\0", b"\xff", "[" * 100_000, '{"a":' * 100_000, '{"resourceSpans":1}', '{"resourceSpans":[1]}',
                     '{"resourceSpans":{}}', '{} {}', '{"resourceSpans":[{"scopeSpans":7}]}'):
            into.expect(post(body), (200, 400), holds=lambda answer: answer.status == 400 or b"partialSuccess" in answer.body)
        for body in (b"", b"x", b"\x1f\x8b", gzip.compress(b"{}")[:-4], gzip.compress(b"{}")[:12], b"\x1f\x8b" + b"\xff" * 100):
            into.expect(post(body, "Content-Encoding: gzip"), 400)
        into.expect(post(zipped_zeros(65 << 20), "Content-Encoding: gzip"), 413)
        into.expect(post(zipped_zeros(256 << 20), "Content-Encoding: gzip"), 413)
        for size in ((16 << 20) + 1, 1 << 40, (1 << 64) - 1):
            into.expect(into.asking.request("POST", "/v1/traces", "Content-Type: application/json", f"Content-Length: {size}"), 413, keeps=False)
        for more in ({"traceId": ""}, {"traceId": "../../../../etc/passwd"}, {"traceId": "zz" * 16}, {"traceId": 5}, {"traceId": None}, {"spanId": "/"},
                     {"spanId": "x" * 100_000}, {"traceId": "0" * 32}):
            into.expect(post(span(**more)), (200, 400), holds=lambda answer: answer.status == 400 or b"partialSuccess" in answer.body)
        for more in ({"startTimeUnixNano": "9" * 400}, {"startTimeUnixNano": -1}, {"startTimeUnixNano": 1e308, "endTimeUnixNano": -1e308},
                     {"endTimeUnixNano": "18446744073709551616"}, {"kind": 1 << 70}, {"name": "x" * 1_000_000}, {"name": None}, {"attributes": {}},
                     {"attributes": [{"key": "k" * 100_000, "value": {"intValue": "9" * 400}}]}, {"attributes": [{"key": "x", "value": {"doubleValue": "NaN"}}]},
                     {"parentSpanId": "eee19b7ec3c1b174"}, {"status": 7}, {"events": "x"}, {"links": [[[]]]}):
            into.expect(post(span(**more)), (200, 400))
        into.expect(post("{}", "Origin: http://evil.example"), 403, keeps=False)
        into.expect(into.asking.request("POST", "/v1/traces", "Host: evil.example", host=False, body="{}"), 421, keeps=False)
        for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE"):
            into.expect(into.asking.request(method, "/v1/traces"), 405)
        for target in ("/v1/metrics", "/v1/logs", "/", "/v1/status", "/v1/traces/1", "/v1/traces/"):
            into.expect(into.asking.get(target), 404)
        into.surprises += [f"  afterwards {trouble}" for trouble in [*victim.troubles(), *victim.end()]]
        tries.tried += into.tried
        tries.surprises += into.surprises
