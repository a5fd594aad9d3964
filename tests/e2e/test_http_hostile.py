"""Requests that nobody honest makes: each class with the answer that it gets, and a server that goes on."""

import json
import unittest

from http_case import HttpCase

TOKEN = "0123456789abcdef0123456789abcdef"


class Hostile(HttpCase):
    """`kind` is the class of a request, for who reads a failure."""

    def setUp(self):
        super().setUp()
        self.runs()
        self.serve()

    def tearDown(self):
        self.assertEqual(self.get("/").status, 200, "it does not answer any more")
        self.assertEqual(len(self.get("/v1/traces").json()["traces"]), 2, "the store is not as it was")
        status = self.agdb("status", "--json").json()
        self.assertEqual(status["os_pid"], self.daemon)

    def send(self, kind, expected, data):
        """`expected`: a status, or several that would do."""
        got = self.raw(data)
        wanted = [expected] if isinstance(expected, int) else expected
        self.assertTrue(got.startswith(b"HTTP/1.1 "), (kind, data[:200], got[:200]))
        self.assertIn(int(got[9:12]), wanted, (kind, data[:200], got[:400]))
        self.assertNotIn(b"Access-Control", got)
        head, _, body = got.partition(b"\r\n\r\n")
        if int(got[9:12]) >= 400:
            self.assertIn(b"application/problem+json", head)
            self.assertEqual(json.loads(body)["status"], int(got[9:12]))
        return got

    def ask_raw(self, kind, expected, target, method="GET", fields=(), body=b"", host=None):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or self.address}", "Connection: close", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.send(kind, expected, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def post(self, kind, expected, body, target="/v1/traces/annotations", kind_of="application/json", method="POST"):
        return self.ask_raw(kind, expected, target, method, [f"Content-Type: {kind_of}"], body)

    def test_targets(self):
        for target in ("/%", "/%z", "/%zz", "/%1", "/v1/%g0", "/?%", "/v1/traces?limit=%", "/v1/traces?e=%2"):
            self.ask_raw("bad escapes", 400, target)
        for target in ("/%00", "/v1/traces/%00", "/%0a", "/%0d%0aX:%20y", "/v1/traces?flow_name=%00", "/%7f", "/%1b%5b2J"):
            self.ask_raw("control characters", 400, target)
        for target in ("/%ff", "/%c3", "/%c0%af", "/%ed%a0%80", "/%f5%80%80%80", "/v1/traces?tag=%ff", "/%e2%82"):
            self.ask_raw("no UTF-8", 400, target)
        for target in ("/..", "/../", "/../../etc/passwd", "/%2e%2e/etc/passwd", "/v1/../metrics", "/v1/traces/..",
                       "/.%2e/x", "/./", "/v1/traces/../../../../etc/shadow", "/%2E%2E%2f/x/.."):
            self.ask_raw("climbing out", 400, target)
        for target in ("/etc/passwd", "//etc/passwd", "/%2fetc%2fpasswd", "/v1//traces", "/v1/traces/", "/v1/traces/1/",
                       "/..%2f..%2fetc%2fpasswd", "/V1/traces", "/v2/traces", "/.git/config", "/%5c..%5c..%5cwindows"):
            self.ask_raw("no such path", 404, target)
        for target in ("v1/traces", "?x", "http://", "http:///v1", "\xe4", "/\xe4", "/a#b", "/a\tb"):
            self.ask_raw("no target", 400, target)
        for size, status in ((8191, 404), (8192, 414), (9000, 414), (20_000, 414), (100_000, 414)):
            self.ask_raw("long targets", status, "/" + "x" * size)
        self.ask_raw("long targets", 400, "/x" * 40)
        self.ask_raw("long targets", 400, "/v1/traces?" + "&".join(["e=flow%3Da"] * 101))

    def test_heads(self):
        for line in (b"GET", b"GET /", b"GET / HTTP", b"GET / HTTP/1.1 x", b"/ HTTP/1.1", b"\x00\x01\x02",
                     b"\x16\x03\x01\x00\xa5\x01\x00", b"PRI * HTTP/2.0", b"SSH-2.0-x", b"<html>", b"{}", b" GET / HTTP/1.1"):
            self.send("no request line", (400, 501, 505), line + b"\r\n\r\n")
        for version in ("0.9", "1.2", "2.0", "3", "9.9", "x"):
            self.send("versions", (400, 505), f"GET / HTTP/{version}\r\nHost: {self.address}\r\n\r\n".encode())
        for field in (b"NoColon", b": empty", b"Sp ace: x", b"A\x00: b", b"A: b\x00c", b"A\xff: b", b"A : b", b"(): x",
                      b"A: \x01"):
            self.send("bad headers", 400, f"GET / HTTP/1.1\r\nHost: {self.address}\r\n".encode() + field + b"\r\n\r\n")
        for count, status in ((98, 200), (99, 431), (200, 431), (2000, 431)):
            self.ask_raw("many headers", status, "/", fields=[f"X-{i}: y" for i in range(count)])
        for size, status in ((10_000, 200), (17_000, 431), (64_000, 431), (300_000, 431)):
            self.ask_raw("long headers", status, "/", fields=["X: " + "y" * size])

    def test_methods(self):
        for method in ("BREW", "get", "FOO", "CONNECT", "G", "X" * 40):
            self.ask_raw("unknown methods", (400, 501), "/", method)
        for method, target in (("POST", "/v1/traces"), ("PUT", "/"), ("DELETE", "/metrics"), ("PATCH", "/v1/traces/1"),
                               ("TRACE", "/"), ("GET", "/v1/traces/delete/x"), ("POST", "/v1/traces/stats"),
                               ("PROPFIND", "/v1/traces"), ("DELETE", "/v1/traces/export"), ("PUT", "/v1/status")):
            self.ask_raw("wrong methods", (404, 405), target, method)

    def test_lengths(self):
        head = f"POST /v1/traces/delete HTTP/1.1\r\nHost: {self.address}\r\nContent-Type: application/json\r\n"
        for fields in ("Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nContent-Length: 5",
                       "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
                       "Content-Length: -1", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length: 0x5",
                       "Content-Length: 5 5", "Content-Length: five", "Content-Length: ", "Content-Length: 5.0",
                       "Content-Length: 18446744073709551616", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"):
            self.send("lengths", 400, (head + fields + "\r\n\r\n").encode() + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        for coding in ("gzip", "chunked, gzip", "gzip, chunked", "identity", "xchunked", "chunked;q=1", '"chunked"', "\x0bchunked"):
            self.send("codings", (400, 501), (head + f"Transfer-Encoding: {coding}\r\n\r\n").encode() + b"0\r\n\r\n")
        for chunk in (b"x\r\n", b"-1\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"3\r\nhello\r\n0\r\n\r\n",
                      b"ffffffffffffffff1\r\n", b"\r\n", b"5 \x00\r\nhello\r\n0\r\n\r\n", b"5;" + b"x" * 40_000):
            self.send("chunks", (400, 413), (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunk)
        for fields, body in (("Content-Length: 1048577", b""), ("Content-Length: 99999999999", b""),
                             ("Transfer-Encoding: chunked", b"100001\r\n" + b" " * 0x100001),
                             ("Content-Length: 2000000\r\nExpect: 100-continue", b"")):
            self.send("large bodies", 413, (head + fields + "\r\n\r\n").encode() + body)
        self.ask_raw("large bodies", 413, "/v1/traces", body=b"x")

    def test_bodies(self):
        for body in (b"", b"{", b"}", b"[", b"nul", b'{"ids":[1],}', b"\xff\xfe", b"{'ids':[1]}", b'{"ids":[1]}x', b"\x00",
                     b"[" * 100, b'{"a":' * 70 + b"1" + b"}" * 70):
            self.post("no JSON", 400, body) if body else self.ask_raw(
                "no JSON", 400, "/v1/traces/annotations", "POST", ["Content-Type: application/json", "Content-Length: 0"])
        for body in ("[]", "null", "1", '"x"', "{}", '{"ids":1,"text":"x"}', '{"ids":[],"text":"x"}', '{"ids":[null],"text":"x"}',
                     '{"ids":[-1],"text":"x"}', '{"ids":[1.5],"text":"x"}', '{"ids":[99999999999999999999],"text":"x"}',
                     '{"ids":["1; DROP TABLE runs"],"text":"x"}', '{"ids":[1],"text":1}', '{"ids":[1],"text":""}',
                     '{"ids":[1],"text":"x","__proto__":{}}', '{"ids":[1],"text":"x","tags":"y"}',
                     '{"ids":[1],"text":"x","tags":[1]}', '{"ids":[1],"text":"%s"}' % ("x" * 16_001),
                     '{"ids":[%s],"text":"x"}' % ",".join(["1"] * 10_001)):
            self.post("wrong shapes", 400, body.encode())
        for kind_of in ("text/plain", "text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                        "application/jsonp", "", "application/json2", "*/*"):
            self.post("media types", 415, b'{"ids":[1],"text":"x"}', kind_of=kind_of)

    def test_parameters(self):
        for query in ("limit=0", "limit=-1", "limit=10001", "limit=1e3", "limit=0x10", "limit=", "limit=1&limit=1",
                      "limit=99999999999999999999", "before=0", "before=-1", "status=", "status=SUCCESS", "status=success%20",
                      "has_errors=1", "min_latency_ms=-1", "since=yesterday", "sort=id;--", "e=", "e=x", "e=flow",
                      "e=status%3Dnone", "e=duration%3D..", "nope=1", "Limit=1", "limit%00=1", "tag=" + "x" * 1001):
            self.ask_raw("parameters", 400, f"/v1/traces?{query}")
        for number in ("0", "-1", "1.0", "1e1", "0x1", "one", "9223372036854775808", "1%20", "%271%27", "1;", "1--"):
            self.ask_raw("numbers", 400, f"/v1/traces/{number}")
        for text in ("%27", "%22", "%27%3B%20DROP%20TABLE%20runs%3B--", "%22%20OR%201%3D1", "a%20NEAR%20b", "a*", "%28", "%25",
                     "_", "-a", "%5E", "col%3Aa", "%27%20UNION%20SELECT%201--", "%F0%9F%92%A9", "a%22b%22c"):
            self.ask_raw("SQL in texts", 200, f"/v1/traces/search?q={text}")
            self.ask_raw("SQL in texts", 200, f"/v1/traces?flow_name={text}&tag={text}&client_key={text}")
        for query in ("format=", "format=xml", "format=../../etc/passwd", "format=csv&format=csv", "format=" + "x" * 21):
            self.ask_raw("exports", 400, f"/v1/traces/export?{query}")

    def test_names(self):
        for host in ("evil.example", f"evil.example:{self.port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{self.port}.evil",
                     f"10.0.0.1:{self.port}", f"localhost.evil:{self.port}", f"127.0.0.1@evil:{self.port}", "[::1]", "::1",
                     f"0.0.0.0:{self.port}", f"127.1:{self.port}", f"2130706433:{self.port}", "localhost",
                     f"127.0.0.1:{self.port}, evil", "x" * 300, f"127.0.0.1:0{self.port}x"):
            self.ask_raw("other names", 421, "/", host=host)
        self.send("other names", 400, b"GET / HTTP/1.1\r\n\r\n")
        self.send("other names", 400, f"GET / HTTP/1.1\r\nHost: {self.address}\r\nHost: evil\r\n\r\n".encode())
        self.ask_raw("other names", 421, "http://evil.example/v1/traces")
        for origin in ("http://evil.example", "https://evil.example", "null", "", "http://localhost", "http://localhost:3000",
                       f"https://{self.address}", f"http://{self.address}.evil", f"http://evil@{self.address}x", "file://",
                       "chrome-extension://x"):
            self.ask_raw("other origins", 403, "/v1/traces", fields=[f"Origin: {origin}"])
            self.ask_raw("other origins", 403, "/v1/traces/1", "DELETE", [f"Origin: {origin}"])
        for site in ("cross-site", "same-site", "", "CROSS-SITE", "x"):
            self.ask_raw("other sites", 403, "/v1/traces", fields=[f"Sec-Fetch-Site: {site}"])

    def test_preflights_allow_nothing(self):
        for method in ("DELETE", "POST", "PUT"):
            self.ask_raw("preflights", 403, "/v1/traces/1", "OPTIONS",
                         ["Origin: http://evil.example", f"Access-Control-Request-Method: {method}"])

    def test_smuggled_requests_are_not_seen(self):
        head = f"POST /v1/traces/delete HTTP/1.1\r\nHost: {self.address}\r\nContent-Type: application/json\r\n"
        inner = f"DELETE /v1/traces/1 HTTP/1.1\r\nHost: {self.address}\r\n\r\n"
        for fields in ("Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
                       "Transfer-Encoding: xchunked\r\nContent-Length: 4", "Content-Length: 4\r\nContent-Length: 0"):
            got = self.send("smuggling", (400, 501), (head + fields + "\r\n\r\n0\r\n\r\n" + inner).encode())
            self.assertEqual(got.count(b"HTTP/1.1 "), 1)


class Tokens(Hostile):
    """The same server with a token."""

    def setUp(self):
        HttpCase.setUp(self)
        self.runs()
        path = self.write("token", TOKEN + "\n")
        path.chmod(0o600)
        self.serve("--http", "127.0.0.1:0", "--http-token-file", path)
        self.token = TOKEN

    def test_tokens(self):
        for given in ("", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Bearer  {TOKEN}", f"Basic {TOKEN}",
                      TOKEN, f"Bearer {TOKEN.upper()}", "Bearer " + "0" * 32, f"Bearer {TOKEN},{TOKEN}", "Bearer *", "Bearer null"):
            self.ask_raw("tokens", 401, "/v1/traces", fields=[f"Authorization: {given}"])
        self.ask_raw("tokens", 401, "/v1/traces")
        self.ask_raw("tokens", 401, f"/v1/traces?token={TOKEN}")
        self.ask_raw("tokens", 401, "/nope")


# Only its own test: those of Hostile are without a token.
for name in [name for name in dir(Hostile) if name.startswith("test_")]:
    setattr(Tokens, name, None)


if __name__ == "__main__":
    unittest.main()
