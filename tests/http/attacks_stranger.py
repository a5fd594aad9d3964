"""Attacks by those who may not ask: pages of other sites, other names for this server, wrong tokens."""

from attack import Tries, attack
from raw_http import Asking
from victim import Victim

TOKEN = "0123456789abcdef0123456789ABCDEF"


@attack("other names for this server (DNS rebinding)")
def hosts(tries):
    port = tries.victim.port

    def named(*hosts, target="/", version="HTTP/1.1"):
        return tries.asking.request("GET", target, *(f"Host: {host}" for host in hosts), host=False, version=version)
    for host in ("127.0.0.1", "localhost", "127.0.0.1:", f"127.0.0.1:{port + 1}", "127.0.0.1:80", f"evil.example:{port}",
                 "evil.example", f"user@127.0.0.1:{port}", f"127.0.0.1:{port}@evil.example",
                 f"127.0.0.1.evil.example:{port}", f"127.0.0.1:{port}.evil.example", f"localhost.:{port}",
                 f"localhost.evil.example:{port}", f"127.1:{port}", f"0:{port}", f"0.0.0.0:{port}", f"2130706433:{port}",
                 f"0x7f000001:{port}", f"0177.0.0.1:{port}", f"127.0.0.2:{port}", f"192.168.0.1:{port}", f"[::]:{port}",
                 f"[::ffff:127.0.0.1]:{port}", f"[0:0:0:0:0:0:0:1]:{port}", f"[::1%25lo]:{port}", f"::1:{port}",
                 f"[127.0.0.1]:{port}", "[::1]", "[", "]", "[]", ":", f":{port}", "", " ", "x" * 5000, f"a.127.0.0.1.nip.io:{port}",
                 f"127.0.0.1:{port}/", f"127.0.0.1:{port}?", f"127.0.0.1:{port}#", f"http://127.0.0.1:{port}",
                 f"127.0.0.1:{port},evil.example", f"127.0.0.1:{port} evil.example", f"127.0.0.1:{port + 65536}",
                 f"127.0.0.1:+{port}", f"127.0.0.1:-{port}", f"127.0.0.1:{port}a", f"127.0.0.1\\:{port}", f"１２7.0.0.1:{port}",
                 f"loc\xe0lhost:{port}", "localhost%00:80", f"<script>:{port}"):
        tries.expect(named(host), 421, "this server is not")
    tries.expect(named(), 400, "no Host")
    tries.expect(named(tries.asking.host, tries.asking.host), 400, "several Host")
    tries.expect(named(tries.asking.host, "evil.example"), 400, "several Host")
    tries.expect(named("evil.example", version="HTTP/1.0"), 421, keeps=False)
    for host in (f"localhost:{port}", f"LocalHost:{port}", f"[::1]:{port}", f"127.0.0.1:{port}"):
        tries.expect(named(host), 200)
    for field in ("X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "X-Original-URL: /v1/status",
                  "X-Rewrite-URL: /v1/status", "X-HTTP-Method-Override: DELETE", "X-Host: evil.example"):
        tries.expect(tries.asking.get("/", field), 200, holds=lambda answer: b'"links"' in answer.body)


@attack("targets that name another server")
def absolute_targets(tries):
    good = tries.asking.host
    for target in ("http://evil.example/", f"http://evil.example:{tries.victim.port}/", f"http://user@{good}/",
                   f"http://{good}@evil.example/", f"http://{good}.evil.example/", "http://localhost/", "HTTP://EVIL/",
                   "http://evil.example", f"http://{good}:80/", f"http://{good}\\@evil/"):
        tries.expect(tries.asking.get(target), 421, "the target names")
    for target in ("http://", "http:///", "http://?", "http://evil.example?x=1", "https://evil.example/", f"https://{good}/", "file:///etc/passwd",
                   "ftp://evil.example/", "evil.example:80", "//evil.example/"[2:], "?", "", "x", "javascript:alert(1)",
                   "http:/x", "http:x", "data:,x", "unix:/x", "#", "/#x", "\\\\evil\\share"):
        tries.expect(tries.asking.get(target), 400, keeps=False)
    tries.expect(tries.asking.get("//evil.example/"), 404)
    tries.expect(tries.asking.get(f"http://{good}/"), 200)
    tries.expect(tries.asking.get(f"http://{good}"), 200)
    # Two right names, of which the other one is wrong.
    tries.expect(tries.asking.request("GET", f"http://{good}/", "Host: evil.example", host=False), 421)


@attack("pages of other sites")
def origins(tries):
    port = tries.victim.port
    for origin in ("http://evil.example", "https://evil.example", "null", "", "*", f"https://127.0.0.1:{port}",
                   "http://127.0.0.1", f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}.evil.example",
                   f"http://evil.example:{port}", f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}@evil.example",
                   f"http://x@127.0.0.1:{port}", "file://", "chrome-extension://abcdef", "data:", f"HTTP://127.0.0.1:{port}",
                   f"http://127.0.0.1:{port}, http://evil.example", f"http://127.0.0.1:{port} http://evil.example", "x" * 4000):
        tries.expect(tries.asking.get("/v1/traces", f"Origin: {origin}"), 403, "other origins")
        tries.expect(tries.asking.post("/v1/traces/delete", {"ids": [1]}, f"Origin: {origin}"), 403, keeps=False)
    for site in ("cross-site", "same-site", "", "x", "CROSS-SITE", "same-origin, cross-site", "none\tx"):
        tries.expect(tries.asking.get("/v1/traces", f"Sec-Fetch-Site: {site}"), 403, "other sites")
        tries.expect(tries.asking.request("DELETE", "/v1/traces/1", f"Sec-Fetch-Site: {site}"), 403)
    # One of two is somebody else's, in any order.
    ours = f"Origin: http://{tries.asking.host}"
    theirs = "Origin: http://evil.example"
    for fields in ((ours, theirs), (theirs, ours), ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"),
                   ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: none")):
        tries.expect(tries.asking.get("/v1/traces", *fields), 403)
    for fields in ((ours,), ("Sec-Fetch-Site: same-origin",), ("Sec-Fetch-Site: none",), (ours, "Sec-Fetch-Site: same-origin"),
                   (f"Origin: http://localhost:{port}",)):
        tries.expect(tries.asking.get("/v1/traces", *fields), 200)


@attack("leave to ask from elsewhere (CORS)")
def preflights(tries):
    wants = ("Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: content-type, authorization",
             "Access-Control-Request-Private-Network: true")
    for _, path, operation in tries.operations():
        target = tries.target(path, operation)
        tries.expect(tries.asking.request("OPTIONS", target, "Origin: http://evil.example", *wants), 403)
        tries.expect(tries.asking.request("OPTIONS", target, *wants), 204)
    tries.expect(tries.asking.request("OPTIONS", "*", "Origin: http://evil.example", *wants), 403)
    tries.expect(tries.asking.request("OPTIONS", "/nowhere", *wants), 404)


@attack("forms of other pages")
def forms(tries):
    """What a page can send without asking first, in browsers that say nothing of where it comes from."""
    body = '{"ids":[1]}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", None,
                 "text/plain; charset=application/json", "application/json,text/plain", "text/plain;application/json",
                 "application/jsonx", "application/ json", "application/problem+json", "text/json", "*/*"):
        tries.expect(tries.asking.post("/v1/traces/delete", body, kind=kind), 415, "application/json", keeps=False)
    for kind in ("application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json ;x"):
        tries.expect(tries.asking.post("/v1/traces/delete", '{"ids":[999999]}', kind=kind), 200)
    tries.expect(tries.asking.post("/v1/traces/delete", '{"ids":[999999]}', "Content-Type: text/plain"), (400, 415),
                 keeps=False)
    tries.expect(tries.asking.post("/v1/traces/delete", body, "Content-Encoding: gzip"), 400, "Content-Encoding")


@attack("tokens that are not the token")
def tokens(tries):
    with Victim("--http", "127.0.0.1:0") as victim:
        victim.words += ("--http-token-file", victim.write("token", TOKEN + "\n"))
        victim.begin(TOKEN)
        victim.settle()
        guarded = Tries(victim, tries.document)
        stranger = Asking(victim.port)

        def refused(*fields, target="/", naming="not the token"):
            guarded.expect(stranger.get(target, *fields), 401, naming,
                           headers=[("www-authenticate", 'Bearer realm="agdb"')])
        for _, path, operation in tries.operations():
            refused(target=tries.target(path, operation), naming="a token is needed")
        for target in ("/nowhere", f"/?token={TOKEN}", f"/?access_token={TOKEN}", f"/v1/traces?authorization=Bearer+{TOKEN}"):
            refused(target=target, naming="a token is needed")
        for value in ("", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Token {TOKEN}", f"Bearer  {TOKEN}",
                      f"Bearer\t{TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", f"Bearer {TOKEN} {TOKEN}",
                      f"Bearer {TOKEN}{TOKEN}", f"Bearer {TOKEN.lower()}", f"Bearer {TOKEN.upper()}", f"Bearer {TOKEN[::-1]}",
                      f"Bearer \"{TOKEN}\"", f"Bearer={TOKEN}", f"Bearer:{TOKEN}", f"BearerX {TOKEN}", f"Bearer {TOKEN},",
                      "Bearer " + "0" * 32, "Bearer " + "A" * 15_000, "Bearer null", "Bearer *", "Bearer \xff" * 3,
                      f"Digest username=\"{TOKEN}\"", f"Bearer {TOKEN[0]}", f"Bearer {TOKEN}%00", "Bearer %s", "Bearer {token}"):
            refused(f"Authorization: {value}")
        good = f"Authorization: Bearer {TOKEN}"
        refused(good, good)
        refused("Authorization: Bearer wrong", good)
        refused(good, "Authorization: Bearer wrong")
        for field in (f"Cookie: token={TOKEN}", f"X-Api-Key: {TOKEN}", f"Proxy-Authorization: Bearer {TOKEN}",
                      f"X-Authorization: Bearer {TOKEN}", f"Authorization2: Bearer {TOKEN}"):
            refused(field, naming="a token is needed")
        guarded.expect(stranger.post("/v1/traces/delete", {"ids": [1]}), 401, keeps=False)
        guarded.expect(stranger.request("OPTIONS", "/"), 401)
        guarded.expect(stranger.get("/", f"Authorization: bearer {TOKEN}"), 200)
        guarded.expect(stranger.get("/", good), 200)
        # The token opens nothing to other names and pages.
        guarded.expect(stranger.request("GET", "/", good, "Host: evil.example", host=False), 421)
        guarded.expect(stranger.get("/", good, "Origin: http://evil.example"), 403)
        log = "".join(path.read_text(errors="replace") for path in (victim.folder / "s").glob("*.log"))
        guarded.expect_true("the token is not in the log", TOKEN not in log)
        guarded.surprises += [f"  afterwards {trouble}" for trouble in [*victim.troubles(), *victim.end()]]
        tries.tried += guarded.tried
        tries.surprises += guarded.surprises


@attack("beginnings that are not safe")
def beginnings(tries):
    """What serve does not begin with. Nothing listens then."""
    with Victim() as victim:
        def refused(*words, naming):
            done = victim.agdb("serve", "--detach", *words)
            told = done.returncode != 0 and all(text in done.stderr for text in naming)
            tries.expect_true(f"serve {' '.join(map(str, words))} is refused, naming {naming}", told, done)
            status = victim.agdb("status")
            tries.expect_true("and does not run", status.returncode != 0, status)
        for address in ("0.0.0.0:0", "[::]:0"):
            refused("--http", address, naming=["can be reached by others", "--http-token-file"])
        for mode in (0o644, 0o640, 0o604, 0o660, 0o666, 0o777, 0o620, 0o602, 0o610):
            token = victim.write("token", TOKEN + "\n", mode)
            refused("--http", "127.0.0.1:0", "--http-token-file", token, naming=["open to others", f"{mode:04o}"])
        for content, naming in ((TOKEN[:15], "shorter than 16"), ("", "shorter than 16"), ("\n", "shorter than 16"),
                                (TOKEN + "\n" + TOKEN, "visible ASCII"), (TOKEN + " x", "visible ASCII"),
                                (TOKEN + "\0", "visible ASCII"), ("ä" * 20, "visible ASCII"), ("x" * 5000, "visible ASCII"),
                                ("\t" + TOKEN, "visible ASCII")):
            token = victim.write("token", content)
            refused("--http", "127.0.0.1:0", "--http-token-file", token, naming=[naming])
        refused("--http", "127.0.0.1:0", "--http-token-file", victim.folder / "none", naming=["none"])
        refused("--http", "127.0.0.1:0", "--http-token-file", victim.folder, naming=["no regular file"])
        refused("--http", "127.0.0.1:0", "--http-token-file", "/dev/zero", naming=["/dev/zero"])
        refused("--http-token-file", victim.write("token", TOKEN), naming=["--http"])
        for address in ("127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", ":", "127.0.0.1:0x10", "http://127.0.0.1:0"):
            refused("--http", address, naming=["--http"])
