"""Attacks on what a path and a query may say."""

from attack import attack

# Refused wherever they stand: the path itself says what nobody means.
BAD_SEGMENTS = ["..", ".", "%2e%2e", "%2E.", ".%2e", "../../etc/passwd", "../" * 20 + "etc/passwd", "%00", "1%00", "1%00.json",
                "%c0%ae%c0%ae%c0%af", "%e0%80%ae", "%f0%80%80%ae", "%ed%a0%80", "%ff", "%fe%ff", "%c3", "%f4%90%80%80",
                "%", "%2", "%zz", "%u002e%u002e", "%-1", "% 41", "%0a", "%0d%0a", "%1b[2J", "%7f", "%09", "1/..", "1/../../x"]
# One segment, whatever is in it: an id that is none.
ODD_SEGMENTS = ["%2e%2e%2fetc%2fpasswd", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "%2Fproc%2Fself%2Fenviron", "..%5c..%5cx",
                "..\\..\\windows\\win.ini", "%5c%5chost%5cshare", "%252e%252e%252fetc", "%252e", "%25252e", "...", "....", "..;",
                "..%3b", "~", "~root", "file:%2f%2f%2fetc%2fpasswd", "C:%5cboot.ini", "1%2f..%2f2", "1%2f2", "*", "%2a", "?"[:0] + "%3f",
                "%23", "$HOME", "${HOME}", "$(id)", "`id`", "|id", ";id", "%26", "%27", "%22", "%3cscript%3e", "{id}", "{{7*7}}",
                "%25s%25s%25n", "%EF%BC%8E%EF%BC%8E", "%E2%80%AE1", "con", "nul", "a" * 4000, "1;x=1", "1.json", "1,2", "[1]"]
BAD_INTEGERS = ["-1", "+1", "%2B1", "0x1", "1e3", "1.0", "1,0", "1_000", "%201", "1%20", "%D9%A1", "%EF%BC%91", "%C2%B2", "one",
                "NaN", "Infinity", "null", "true", "9223372036854775808", "18446744073709551615", "18446744073709551616",
                "-9223372036854775808", "-9223372036854775809", "9" * 400, "9" * 3000, "0b1", "0o7", "1L", "%241", "''", "1'", "1--",
                "1%3B", "1%20OR%201=1", "1%27%20OR%20%271", "1%2F*", "01x", "@", "latest"]
MAX = 9223372036854775807


def may_be_text(schema):
    return schema["type"] == "string"


def id_places(tries):
    """Each route with a place for an id: how it is asked, with something in that place."""
    for method, path, operation in tries.operations():
        for name, schema, _ in tries.parameters(operation, "path"):
            def ask(value, method=method, path=path, operation=operation, name=name):
                target = tries.target(path, operation, **{name: value})
                query = "&".join(tries.needed(operation))
                body = tries.body_of(operation)
                return tries.asking.request(method, target + ("?" + query if query else ""), body=body), body is not None
            yield method, path, name, schema, ask


@attack("ways out of the folder (path traversal)")
def traversal(tries):
    for method, path, name, schema, ask in id_places(tries):
        for segment in BAD_SEGMENTS:
            if segment in ("../../etc/passwd",) or " " not in segment:
                tries.expect(ask(segment)[0], 400, "the target", keeps=False)
        for segment in ODD_SEGMENTS:
            if not may_be_text(schema):
                tries.expect(ask(segment)[0], 400, f"{name}: expected an integer")
            elif name == "correlation_id":
                tries.expect(ask(segment)[0], (200, 400), holds=lambda answer: answer.status == 400 or answer.body == b'{"traces":[]}\n')
            else:
                tries.expect(ask(segment)[0], (400, 404))
    for target in ("/../../../../etc/passwd", "/..", "/.", "/%2e%2e/%2e%2e/etc/passwd", "/v1/../v1/status", "/./v1/status",
                   "/v1/%2e%2e/metrics", "/v1/traces/../../metrics", "/static/../../etc/passwd", "/%c0%ae%c0%ae/etc/passwd"):
        tries.expect(tries.asking.get(target), 400, "the target", keeps=False)
    for target in ("/etc/passwd", "//etc/passwd", "///", "/v1//traces", "/v1/traces/", "/v1/traces//etc/passwd", "/v1/traces/1/",
                   "/%2fetc%2fpasswd", "/V1/traces", "/v1/Traces", "/v1%2ftraces", "/v1/traces%2f1", "/%2e%2e%2fetc", "/.git/config",
                   "/.env", "/.agdb/records", "/server-status", "/debug/pprof", "/actuator", "/admin", "/cgi-bin/sh", "/index.php",
                   "/wp-login.php", "/proc/self/environ", "/v1/openapi.json/..%2f", "/favicon.ico", "/v1", "/v2/traces"):
        tries.expect(tries.asking.get(target), 404)


@attack("ids that are none, and nobody's")
def ids(tries):
    for method, path, name, schema, ask in id_places(tries):
        if may_be_text(schema):
            if name != "correlation_id":
                for value in ("0" * 64, "deadbeef", "@", "@999", "%40-1", "latest", "-", "_", "x" * 200, "%E2%98%83", "%20"):
                    if path.count("{") == 1 and value != "@":
                        tries.expect(ask(value)[0], (400, 404))
            continue
        for value in BAD_INTEGERS:
            tries.expect(ask(value)[0], 400, f"{name}: expected an integer")
        if schema.get("minimum", 0) > 0:
            tries.expect(ask("0")[0], 400, f"{name}: expected an integer")
        if path.startswith("/v1/traces/"):
            for value in ("999999", str(MAX), "77", "0077"):
                tries.expect(ask(value)[0], 404, "not found")


@attack("numbers that are none, or too large")
def numbers(tries):
    for path, operation in tries.gets():
        query = {name: schema for name, schema, _ in tries.parameters(operation, "query")}
        for name, schema in query.items():
            needed = tries.needed(operation, [name])
            target = tries.target(path, operation)

            def ask(value):
                return tries.asking.get(f"{target}?{'&'.join([*needed, f'{name}={value}'])}")
            if schema["type"] == "integer":
                for value in BAD_INTEGERS:
                    if value.startswith("-") and schema.get("minimum", 1) < 0:
                        continue
                    tries.expect(ask(value), 400, f"{name}: expected an integer")
                tries.expect(ask(""), 400, f"{name}: expected an integer")
                for bound, step in (("minimum", -1), ("maximum", 1)):
                    if bound in schema and abs(schema[bound]) < MAX:
                        tries.expect(ask(schema[bound] + step), 400, f"{name}: expected an integer")
            if schema["type"] == "boolean":
                for value in ("", "1", "0", "yes", "no", "TRUE", "True", "on", "null", "truefalse", "true%20", "%22true%22"):
                    tries.expect(ask(value), 400, f"{name}: expected true or false")
            if schema.get("enum"):
                for value in ("", "x", schema["enum"][0].upper(), schema["enum"][0] + "%20", "%27%20OR%201=1", "id;DROP", "*"):
                    tries.expect(ask(value), 400, f"{name}: expected one of")


@attack("parameters that nobody knows, or twice")
def parameters(tries):
    for path, operation in tries.gets():
        needed = tries.needed(operation)
        target = tries.target(path, operation)

        def ask(*parts):
            return tries.asking.get(f"{target}?{'&'.join([*needed, *parts])}")
        for part in ("nope=1", "Limit=1", "limit[]=1", "__proto__=1", "constructor=1", "=1", "%3d", "a.b=1", "callback=alert", "token=x",
                     "x" * 3000, "%F0%9F%92%A9=1", "raw%00=1"[:3] + "x=true", "RAW=true", "method=DELETE", "_method=DELETE"):
            tries.expect(ask(part), 400, "there is no parameter")
        for name, schema, required in tries.parameters(operation, "query"):
            if schema["type"] in ("integer", "boolean") and not required:
                value = {"integer": str(schema.get("minimum", 1)), "boolean": "true"}[schema["type"]]
                tries.expect(ask(f"{name}={value}", f"{name}={value}"), 400, f"{name} is given several times")
                tries.expect(ask(f"{name}={value}", f"{name}=x"), 400, name)
        if needed:
            tries.expect(tries.asking.get(target), 400, "is missing")


@attack("bytes in a query that are no UTF-8")
def query_bytes(tries):
    for value in ("%ff", "%c3%28", "%a0", "%e2%82", "%f0%28%8c%bc", "%ed%a0%80", "%c0%af", "%f8%a1%a1%a1%a1", "%", "%4", "%gg", "%00", "%0a"):
        for target in (f"/v1/traces?flow_name={value}", f"/v1/traces/search?q={value}", f"/v1/traces?e={value}",
                       f"/v1/traces?{value}=1"):
            tries.expect(tries.asking.get(target), 400, "the target", keeps=False)
    for value in ("%E2%80%AE", "%EF%BB%BF", "%F0%9F%92%A9", "%EF%BF%BE", "e%CC%81" * 100, "%E2%80%8B"):
        tries.expect(tries.asking.get(f"/v1/traces?flow_name={value}"), 200, holds=lambda answer: answer.json()["traces"] == [])
