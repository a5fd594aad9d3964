"""Attacks on HTTP itself: what a request is, and where it ends."""

from raw_http import Connection
from attack import attack

MAX_TARGET, MAX_HEADERS, MAX_FIELDS, MAX_BODY = 8 << 10, 16 << 10, 100, 1 << 20
NOTE = b'{"text":"x"}'


@attack("methods that are none")
def unknown_methods(tries):
    ask = tries.asking.request
    for method in ("FOO", "get", "Get", "GETX", "CONNECT", "M" * 40, "!#$%&'*+-.^_`|~", "PRI"):
        tries.expect(ask(method, "/"), 501, "no method", keeps=False)
    tries.expect(ask("CONNECT", "evil.example:443"), 501, keeps=False)
    for method in ("G ET", "G\tET", "G(T", "G\0T", "G\xc3T", "", "G\x7fT", "{GET}"):
        tries.expect(ask(method, "/"), 400, keeps=False)


@attack("methods that a path has not")
def wrong_methods(tries):
    paths = {path: operation for _, path, operation in tries.operations()}
    for path, operation in paths.items():
        has = {m.upper() for m in tries.document["paths"][path]} | {"OPTIONS"}
        has |= {"HEAD"} & {"HEAD" if "GET" in has else ""}
        target = tries.target(path, operation)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "MKCOL", "PURGE"):
            if method in has:
                continue
            answer = tries.expect(tries.asking.request(method, target), 405, "" if method == "HEAD" else method,
                                  head_only=method == "HEAD")
            if answer:
                allow = set(answer.header("allow").split(", "))
                tries.expect_true(f"Allow of {path}", allow == has, allow)
    tries.expect(tries.asking.request("TRACE", "/nowhere", "Max-Forwards: 0"), 404)
    tries.expect(tries.asking.request("GET", "*"), 400, "only OPTIONS")
    tries.expect(tries.asking.request("OPTIONS", "*"), 204)


@attack("request lines that are none")
def request_lines(tries):
    host = f"Host: {tries.asking.host}".encode()
    for line in (b"GET", b"GET ", b"GET /", b"GET  HTTP/1.1", b"GET  / HTTP/1.1", b"GET /  HTTP/1.1",
                 b" GET / HTTP/1.1", b"\tGET / HTTP/1.1", b"GET\t/\tHTTP/1.1", b"GET / HTTP/1.1 ", b"GET / HTTP/1.1 x",
                 b"GET /a b HTTP/1.1", b"/ HTTP/1.1", b"HTTP/1.1 200 OK", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\0",
                 b"GET /\0 HTTP/1.1", b"GET /\x01 HTTP/1.1", b"GET /\x7f HTTP/1.1", b"\0", b":", b"GET / \xff",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x05\x01\x00", b"gopher://x", b"*1\r\n$4\r\nPING",
                 b"GET /\xc3\xa9 HTTP/1.1", b"GET / HTTP/1,1", b"GET / HTTP", b"GET / ICY/1.1", b"GET / http/1.1",
                 b"GET / HTTP/1", b"GET / HTTP/1.1.1", b"GET / HTTP/11", b"GET / HTTP/-1.1", b"GET / HTTP/1.x"):
        tries.expect(line + b"\r\n" + host + b"\r\n\r\n", 400, keeps=False)
    for request in (b"GET / HTTP/1.1\n" + host + b"\n\n", b"GET / HTTP/1.1\r" + host + b"\r\r\n\r\n",
                    b"GET / HTTP/1.1\n\r\n"):
        tries.expect(request, 400, keeps=False)


@attack("versions of HTTP that are not spoken")
def versions(tries):
    for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.0"):
        tries.expect(tries.asking.get("/", version=version), 505, keeps=False)
    tries.expect(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, keeps=False)
    tries.expect(b"GET /\r\n\r\n", 400, keeps=False)
    tries.expect(tries.asking.get("/", version="HTTP/1.0"), 200, keeps=False)
    tries.expect(tries.asking.get("/", host=False, version="HTTP/1.0"), 200, keeps=False)


@attack("headers that are none")
def header_syntax(tries):
    for field in (b"Bad Header: x", b"Bad : x", b"Bad\t: x", b": x", b"no colon", b"B\0d: x", b"Bad: a\0b", b"Bad: a\x01b",
                  b"Bad: a\rb", b"Bad: a\x7fb", b"B(d: x", b"B\xc3\xa9: x", b"Bad: x\nX-Other: y", b"\nBad: x", b"Bad: x\r",
                  b"[Bad]: x", b"Bad\x0b: x", b"=: x", b"\x80: x", b"Content-Length : 5", b"Transfer-Encoding : chunked",
                  b"Host : evil.example"):
        tries.expect(tries.asking.get("/", field), 400, keeps=False)
    # In the first place there is nothing that it could go on.
    tries.expect(b"GET / HTTP/1.1\r\n folded: x\r\nHost: " + tries.asking.host.encode() + b"\r\n\r\n", 400, keeps=False)
    # A line that goes on, and bytes above ASCII, are values: they are let be.
    tries.expect(tries.asking.get("/", b"X-Folded: a\r\n b"), 200)
    tries.expect(tries.asking.get("/", b"X-Bytes: \xff\xfe\x80"), 200)
    tries.expect(tries.asking.get("/", "X-Empty:", "X-Blanks: \t  "), 200)


@attack("a line in a header that nobody sent")
def header_injection(tries):
    for place in ("/v1/traces/1%0d%0aSet-Cookie:%20a=b", "/v1/traces?flow_name=x%0d%0aX-Bad:%201", "/%0aX",
                  "/v1/traces?e=%0d%0a%0d%0aHTTP/1.1%20200%20OK", "/v1/traces/export?format=csv%0d%0aX-Bad:1",
                  "/v1/traces/search?q=a%00b", "/v1/traces?tag=%7f", "/v1/traces?%0d%0a=1"):
        tries.expect(tries.asking.get(place), 400, "control character", keeps=False)
    for place in ("/v1/traces/1%E5%98%8D%E5%98%8ASet-Cookie:a=b", "/v1/traces?limit=%E5%98%8A"):
        tries.expect(tries.asking.get(place), 400, "expected an integer")


@attack("targets and headers that are too large")
def too_large(tries):
    get = tries.asking.get
    tries.expect(get("/" + "a" * (MAX_TARGET - 1)), 404)
    for size in (MAX_TARGET, MAX_TARGET + 1, MAX_TARGET + 4000, 3 * MAX_TARGET, 1 << 20):
        tries.expect(get("/" + "a" * size), (414, 431) if size > MAX_HEADERS else 414, keeps=False)
    tries.expect(get("/?" + "a" * MAX_TARGET), 414, keeps=False)
    tries.expect(get("/v1/traces?flow_name=" + "%41" * 2000), 400, "at most 1000 bytes")
    # All lines behind the first count, with their ends.
    room = MAX_HEADERS - len(f"Host: {tries.asking.host}\r\nA: \r\n")
    tries.expect(get("/", "A: " + "b" * room), 200)
    tries.expect(get("/" + "a" * 5000, "A: " + "b" * room), 404)
    tries.expect(get("/" + "a" * 5000, "A: " + "b" * (room + 1)), 431, keeps=False)
    for size in (room + 1, MAX_HEADERS, 2 * MAX_HEADERS, 1 << 20):
        tries.expect(get("/", "A: " + "b" * size), 431, keeps=False)
        tries.expect(get("/", "B" * size + ": a"), 431, keeps=False)
    tries.expect(get("/", *(f"A{i}: b" for i in range(MAX_FIELDS - 1))), 200)
    for count in (MAX_FIELDS, MAX_FIELDS + 1, 1000, 5000):
        tries.expect(get("/", *(f"A{i}: b" for i in range(count))), 431, keeps=False)
    tries.expect(get("/", *("Cookie: a=b" for _ in range(200))), 431, keeps=False)
    tries.expect(get("/" + "a/" * 33), 400, "too many segments", keeps=False)
    tries.expect(get("/v1/traces?" + "&".join("e=status%3Dsuccess" for _ in range(101))), 400, "too many", keeps=False)
    # A head that never ends, without a line's end in it.
    tries.expect(b"A" * (1 << 20), (400, 414, 431), keeps=False)
    tries.expect(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, 431, keeps=False)


@attack("requests hidden in others (smuggling)")
def smuggling(tries):
    hidden = tries.asking.request("DELETE", "/v1/traces/1")
    target = "/v1/traces/1/annotations"

    def post(*fields, body=NOTE):
        return tries.asking.request("POST", target, "Content-Type: application/json", *fields) + body
    length = f"Content-Length: {len(NOTE)}"
    chunked = "Transfer-Encoding: chunked"
    as_chunks = b"c\r\n" + NOTE + b"\r\n0\r\n\r\n"
    for fields in ((length, chunked), (chunked, length), (length, length), (length, "Content-Length: 0"),
                   ("Content-Length: 0", chunked), (length, "content-length: 5"), (chunked, chunked)):
        tries.expect(post(*fields, body=as_chunks + hidden), 400, keeps=False)
    for value in ("+12", "-12", "12, 12", "12,12", "0x0c", "12 ", "1 2", "12.0", "1e1", "", " ", "twelve", "١٢", "012x",
                  "18446744073709551616", "9" * 400, "-0", "12;", "12\t12", "\"12\"", "NaN", "0x", "12_0"):
        if value.strip() == "12":
            continue
        tries.expect(post(f"Content-Length: {value}", body=NOTE + hidden), 400, keeps=False)
    for value in ("identity", "chunked, identity", "gzip", "gzip, chunked", "chunked, chunked", "xchunked", "chunkedx",
                  "chunked;q=1", "\"chunked\"", "c hunked", "cow", "", "deflate", "chunked,", ",chunked", "trailers"):
        tries.expect(post(f"Transfer-Encoding: {value}", body=as_chunks + hidden), (400, 501), keeps=False)
    tries.expect(post("Transfer-Encoding: chunked\r\n , identity", body=as_chunks + hidden), (400, 501), keeps=False)
    tries.expect(post("Transfer-Encoding:\x0bchunked", body=as_chunks + hidden), 400, keeps=False)
    tries.expect(post("Transfer-Encoding\x00: chunked", body=as_chunks + hidden), 400, keeps=False)
    tries.expect(tries.asking.request("POST", target, chunked, version="HTTP/1.0") + as_chunks + hidden, 400, keeps=False)
    tries.expect(tries.asking.get("/", length, chunked) + as_chunks, 400, keeps=False)
    # A GET with a body: the body is never taken for the next request.
    tries.expect(tries.asking.get("/", f"Content-Length: {len(hidden)}") + hidden, 413, keeps=False)
    tries.expect(tries.asking.get("/", chunked) + b"%x\r\n" % len(hidden) + hidden + b"\r\n0\r\n\r\n", 413, keeps=False)
    tries.expect_true("trace 1 is still there", tries.victim.get("/v1/traces/1").status == 200)


@attack("chunks that do not add up")
def chunks(tries):
    def post(body, *fields):
        return tries.asking.request("POST", "/v1/traces/1/annotations", "Content-Type: application/json",
                                    "Transfer-Encoding: chunked", *fields) + body
    whole = b"c\r\n" + NOTE + b"\r\n"
    end = b"\r\n0\r\n\r\n"
    for body in (b"g\r\n" + NOTE, b"-c\r\n" + NOTE, b"+c\r\n" + NOTE, b"0xc\r\n" + NOTE, b"\r\n\r\n", b" c\r\n" + NOTE,
                 b"c\n" + NOTE + b"\n0\n\n", b"c\r\n" + NOTE + b"xx", b"b\r\n" + NOTE, b"d\r\n" + NOTE, b"c\x00\r\n" + NOTE,
                 b"ffffffffffffffffff\r\n" + NOTE, b"10000000000000000\r\n" + NOTE, b"c;\x00\r\n" + NOTE,
                 b"c c\r\n" + NOTE, b"0x0\r\n\r\n", b"c\r" + NOTE, whole + b"0\r\nBad Trailer: x\r\n\r\n",
                 whole + b"0\r\n\0\r\n\r\n", whole + b"z\r\n\r\n", whole + b"0\r\nContent-Length: 99\r\n\r\n"):
        tries.expect(post(body + end), 400, keeps=False)
    for size in (b"ffffffffffffffff", b"7fffffffffffffff", b"100001", b"fffffffff"):
        tries.expect(post(size + b"\r\n" + b" " * (MAX_BODY + 1)), (400, 413), keeps=False)
    tries.expect(post(b"c" + b";a=b" * 10_000 + b"\r\n" + NOTE), 400, keeps=False)
    tries.expect(post(b"c;" + b"a" * 100_000), 400, keeps=False)
    tries.expect(post(whole + b"0\r\n" + b"A: b\r\n" * 20_000), (400, 431), keeps=False)
    # Extensions and trailers change nothing.
    for body in (b"c;a=b\r\n" + NOTE + b"\r\n0\r\n\r\n", b"C;a=\"b;c\"\r\n" + NOTE + b"\r\n0\r\n\r\n",
                 whole + b"0\r\nHost: evil.example\r\nConnection: upgrade\r\n\r\n", b"00000000c\r\n" + NOTE + b"\r\n000\r\n\r\n",
                 b"".join(b"1\r\n%c\r\n" % c for c in NOTE) + b"0\r\n\r\n"):
        tries.expect(post(body), 200)


@attack("bodies that are too large")
def large_bodies(tries):
    wants = {"POST": "/v1/traces/annotations", "PUT": "/v1/traces/1/correlation"}
    for method, target in wants.items():
        for size in (MAX_BODY + 1, 1 << 31, 1 << 32, (1 << 63) - 1, (1 << 64) - 1):
            tries.expect(tries.asking.request(method, target, "Content-Type: application/json", f"Content-Length: {size}"),
                         413, "over 1048576 bytes", keeps=False)
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = tries.asking.request("POST", "/v1/traces/annotations", "Content-Type: application/json",
                                "Transfer-Encoding: chunked")
    tries.expect(head + piece * 17, 413, "over 1048576 bytes", keeps=False)
    tries.expect(head + piece * 15 + b"0\r\n\r\n", 400, "no JSON")
    tries.expect(tries.asking.request("POST", "/v1/traces/annotations", "Expect: 100-continue",
                                      "Content-Type: application/json", f"Content-Length: {MAX_BODY + 1}"),
                 413, keeps=False)
    for method, path, operation in tries.operations():
        if operation.get("requestBody"):
            continue
        tries.expect(tries.asking.request(method, tries.target(path, operation), "Content-Length: 1") + b"x", 413,
                     "over 0 bytes", keeps=False)


@attack("requests that break off")
def truncated(tries):
    whole = tries.asking.post("/v1/traces/1/annotations", {"text": "half of it"})
    head = whole.index(b"\r\n\r\n") + 4
    for cut in (1, 4, 14, head // 2, head - 2, head - 1, head, head + 1, len(whole) - 1):
        tries.expect(whole[:cut], 400, "ends before its end", keeps=False, half=True)
    tries.expect_nothing()
    chunked = tries.asking.request("POST", "/v1/traces/1/annotations", "Content-Type: application/json",
                                   "Transfer-Encoding: chunked")
    for body in (b"", b"c", b"c\r\n", b"c\r\n" + NOTE[:5], b"c\r\n" + NOTE, b"c\r\n" + NOTE + b"\r\n",
                 b"c\r\n" + NOTE + b"\r\n0\r\n"):
        tries.expect(chunked + body, 400, "ends before its end", keeps=False, half=True)
    tries.expect_true("nothing of them was written", b"half of it" not in tries.victim.get("/v1/traces/1").body)


@attack("many requests in one go (pipelining)")
def pipelining(tries):
    good, bad = tries.asking.get("/"), b"BAD\r\n\r\n"
    missing = tries.asking.get("/v1/traces/999999")
    note = tries.asking.post("/v1/traces/1/annotations", {"text": "x"})
    tries.expect_answers(good * 50, [200] * 50, True)
    tries.expect_answers(good + bad + good, [200, 400], False)
    tries.expect_answers(good + missing + good, [200, 404, 200], True)
    tries.expect_answers(note + missing + note, [200, 404, 200], True)
    tries.expect_answers(good + tries.asking.get("/", "Connection: close") + good, [200, 200], False)
    tries.expect_answers(good + tries.asking.get("/", "Host: evil.example") + good, [200, 400, 200], True)
    tries.expect_answers(tries.asking.get("/v1/traces/export") * 5 + missing + good, [200] * 5 + [404, 200], True)
    tries.expect_answers(good * 3 + tries.asking.get("/a%00") + good, [200] * 3 + [400], False)
    # Who has ended what it says still gets what it asked for.
    with Connection(tries.victim.port) as connection:
        connection.send(good * 3)
        connection.no_more()
        got = [connection.answer().status for _ in range(3)]
    tries.expect_true("three answers to a side that has ended", got == [200] * 3, got)


@attack("connections that only cost (slow, many, cut)")
def costly(tries):
    port, good = tries.victim.port, tries.asking.get("/")
    note = tries.asking.post("/v1/traces/1/annotations", {"text": "slowly"})
    with Connection(port) as slow:
        for at in range(len(note)):
            slow.send(note[at:at + 1])
        tries.expect_true("a request byte by byte", slow.answer().status == 200)
    starts = (b"G", good[:20], good[:-2], note[:-3], b"")
    with_many = [Connection(port) for _ in range(300)]
    for at, connection in enumerate(with_many):
        connection.send(starts[at % len(starts)])
    for _ in range(20):
        tries.expect(good, 200)
    for at, connection in enumerate(with_many):
        with connection:
            rest = {0: good[1:], 1: good[20:], 2: good[-2:], 3: note[-3:], 4: good}[at % len(starts)]
            if at < 100:
                connection.send(rest)
                status = connection.answer().status
                tries.expect_true("a connection that waited is served", status == 200, status)


@attack("more connections than there may be")
def flood(tries):
    most = 1024
    held = []
    try:
        while len(held) < most:
            held.append(Connection(tries.victim.port))
        # They are all there when the last of them is answered.
        held[-1].send(tries.asking.get("/"))
        tries.expect_true("the last that may come", held[-1].answer().status == 200)
        for _ in range(20):
            tries.expect(b"", 503, "too many connections", keeps=False)
    finally:
        for connection in held:
            connection.socket.close()
