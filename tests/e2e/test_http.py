"""The daemon over HTTP: what `agdb serve --http` offers, and whom it turns away."""

import csv
import http.client
import io
import json
import socket
import unittest

from agdb_case import FAILED, USAGE
from http_case import HttpCase


class Traces(HttpCase):
    def setUp(self):
        super().setUp()
        self.runs()
        self.serve()

    def test_the_index_leads_on(self):
        index = self.get("/").json()
        self.assertEqual(index["name"], "agdb")
        for link in index["links"].values():
            self.assertEqual(self.get(link).status, 200, link)

    def test_lists_are_those_of_the_command_line(self):
        listed = self.get("/v1/traces").json()["traces"]
        said = [json.loads(line) for line in self.agdb("runs", "list", "--json").lines()]
        self.assertEqual(listed, said)
        self.assertEqual(len(listed), 2)

    def test_a_trace_is_that_of_the_command_line(self):
        self.assertEqual(self.get("/v1/traces/1").json(), self.agdb("runs", "show", "1", "--json").json())
        self.problem(404, self.get("/v1/traces/77"), "trace 77 not found")

    def test_answers_are_as_new_as_the_store(self):
        for _ in range(2):
            self.assertEqual(self.get("/v1/traces/1").json()["annotations"], [])
        self.agdb("runs", "annotate", "1", "by another process")
        for _ in range(2):
            self.assertEqual(self.get("/v1/traces/1").json()["annotations"][0]["text"], "by another process")
        self.ask("POST", "/v1/traces/1/annotations", {"text": "by this one"})
        self.assertEqual(len(self.get("/v1/traces/1").json()["annotations"]), 2)
        self.ask("DELETE", "/v1/traces/1")
        self.assertEqual(self.get("/v1/traces/1").status, 404)

    def test_sums_are_those_of_the_command_line(self):
        self.assertEqual(self.get("/v1/traces/stats").json(), self.agdb("runs", "stats", "--json").json())
        aggregate = self.get("/v1/traces/aggregate?window=24h").json()
        self.assertEqual(aggregate, self.agdb("runs", "aggregate", "--window", "24h", "--json").json())

    def test_pages_lead_through_all(self):
        first = self.get("/v1/traces?limit=1").json()
        second = self.get(f"/v1/traces?limit=1&before={first['next']}").json()
        self.assertEqual([t["id"] for t in first["traces"] + second["traces"]], [2, 1])
        self.assertEqual(self.get("/v1/traces?limit=1&before=1").json()["traces"], [])

    def test_filters_by_name_and_by_expression(self):
        for query in ("status=success", "e=status%3Dsuccess", "has_errors=false&e=since%3D24h", "min_latency_ms=0"):
            self.assertEqual(len(self.get(f"/v1/traces?{query}").json()["traces"]), 2, query)
        self.assertEqual(self.get("/v1/traces?status=timeout").json()["traces"], [])
        self.assertEqual(self.get("/v1/traces?flow_name=%27%3B+DROP+TABLE+runs%3B--").json()["traces"], [])
        self.assertEqual(len(self.get("/v1/traces").json()["traces"]), 2)

    def test_wrong_parameters_say_what_was_expected(self):
        for query, naming in {
            "limit=0": "limit: expected an integer from 1 to 10000",
            "limit=10001": "limit: expected an integer from 1 to 10000",
            "limit=ten": "limit: expected an integer",
            "limit=1&limit=2": "limit is given several times",
            "status=good": "status: expected one of success, failed, partial, timeout",
            "has_errors=yes": "has_errors: expected true or false",
            "e=duration": "duration",
            "sort=size": "sort: expected one of",
            "nope=1": 'there is no parameter "nope"',
        }.items():
            self.problem(400, self.get(f"/v1/traces?{query}"), naming)
        self.problem(400, self.get("/v1/traces/zero"), "id: expected an integer")
        self.problem(400, self.get("/v1/traces/0"), "id: expected an integer")
        self.problem(400, self.get("/v1/traces/aggregate?window=long"), "window")
        self.problem(400, self.get("/v1/traces/export?format=xml"), 'no export format "xml"')
        self.problem(400, self.get("/v1/traces/search"), "q is missing")

    def test_search_takes_any_text_as_a_text(self):
        word = self.get("/v1/traces/1").json()["flow_name"].split()[0]
        self.assertTrue(self.get(f"/v1/traces/search?q={word}").json()["traces"])
        for text in ("%22", "a%22+OR+%221", "%27--", "*", "NEAR%28a%29", "%25%5F"):
            self.assertEqual(self.get(f"/v1/traces/search?q={text}").status, 200, text)

    def test_annotating_correlating_and_deleting(self):
        self.assertEqual(self.ask("POST", "/v1/traces/1/annotations",
                                  {"text": "too slow", "author": "me", "tags": ["slow"]}).json(), {"done": 1})
        self.assertEqual(self.ask("POST", "/v1/traces/annotations",
                                  {"ids": [1, 2, 99], "text": "both"}).json(), {"done": 2})
        texts = [a["text"] for a in self.get("/v1/traces/1").json()["annotations"]]
        self.assertEqual(texts, ["too slow", "both"])
        self.assertEqual([t["id"] for t in self.get("/v1/traces?tag=slow").json()["traces"]], [1])
        self.ask("PUT", "/v1/traces/2/correlation", {"correlation_id": "request/17"})
        found = self.get("/v1/traces/correlated/request%2F17").json()["traces"]
        self.assertEqual([t["id"] for t in found], [2])
        self.assertEqual(self.ask("DELETE", "/v1/traces/2").json(), {"done": 1})
        self.problem(404, self.ask("DELETE", "/v1/traces/2"), "trace 2 not found")
        self.assertEqual(self.ask("POST", "/v1/traces/delete", {"ids": [1, 2]}).json(), {"done": 1})
        self.assertEqual(self.get("/v1/traces").json()["traces"], [])

    def test_wrong_bodies_say_where(self):
        target = "/v1/traces/annotations"
        for body, naming in {
            b"{": "the body is no JSON",
            b"[]": "body: expected an object",
            b'{"text":"x"}': "body.ids is missing",
            b'{"ids":[],"text":"x"}': "body.ids: expected at least 1",
            b'{"ids":[0],"text":"x"}': "body.ids[0]: expected at least 1",
            b'{"ids":["1"],"text":"x"}': "body.ids[0]: expected an integer",
            b'{"ids":[1],"text":"x","more":1}': "body.more: nobody asked for this member",
            b"": "a body is missing",
        }.items():
            answer = self.ask("POST", target, body, Content_Type="application/json")
            self.problem(400, answer, naming)
        self.problem(415, self.ask("POST", target, b"x", Content_Type="text/plain"), "application/json")
        self.problem(413, self.ask("POST", target, b" " * (1 << 20) + b"{}", Content_Type="application/json"),
                     "over 1048576 bytes")

    def test_exports_are_those_of_the_command_line(self):
        for name, kind in {"jsonl": "application/x-ndjson", "CSV": "text/csv",
                           "prom": "text/plain; version=0.0.4; charset=utf-8"}.items():
            answer = self.get(f"/v1/traces/export?format={name}")
            self.assertEqual(answer.headers["Content-Type"], kind)
            with open(self.folder / "out", "wb") as out:
                self.agdb("runs", "export", "--format", name.lower(), "-o", out.name)
            self.assertEqual(answer.body, (self.folder / "out").read_bytes())
        rows = list(csv.reader(io.StringIO(self.get("/v1/traces/export?format=csv&e=status%3Dsuccess").text())))
        self.assertEqual([row[0] for row in rows], ["trace_id", "2", "1"])

    def test_secrets_are_masked_unless_raw(self):
        key = "sk-ant-api03-" + "aB3dE6gH9jK2mN5pQ8sT" * 4
        self.ask("POST", "/v1/traces/1/annotations", {"text": f"the key is {key}"})
        for target in ("/v1/traces/1", "/v1/traces/export", "/v1/traces/export?format=jsonl"):
            self.assertNotIn(key, self.get(target).text(), target)
        masked = self.get("/v1/traces/1")
        self.assertIn("[masked:anthropic_key]", masked.text())
        self.assertEqual(masked.headers["Agdb-Masked"], "anthropic_key=1")
        self.assertIn(key, self.get("/v1/traces/1?raw=true").text())

    def test_metrics_have_each_name_once(self):
        answer = self.get("/metrics")
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        types = [line.split()[2] for line in answer.text().splitlines() if line.startswith("# TYPE ")]
        self.assertEqual(len(types), len(set(types)))
        values = dict(line.rsplit(" ", 1) for line in answer.text().splitlines() if not line.startswith("#"))
        self.assertEqual(values["agdb_traces_stored"], "2")
        self.assertEqual(values['agdb_processes{state="alive"}'], "0")
        self.assertGreater(int(values["process_start_time_seconds"]), 1_600_000_000)

    def test_status_is_that_of_the_socket(self):
        over_http = self.get("/v1/status").json()
        at_socket = self.agdb("status", "--json").json()
        self.assertEqual(over_http["os_pid"], at_socket["os_pid"])
        self.assertEqual(over_http["listeners"], {"http": self.address})
        self.assertEqual(over_http.keys(), at_socket.keys())
        self.assertIn(f"http        {self.address}", self.agdb("status").out)

    def test_every_path_of_the_document_is_served(self):
        document = self.get("/v1/openapi.json").json()
        self.assertEqual(document["openapi"], "3.1.0")
        for path, operations in document["paths"].items():
            allowed = self.ask("OPTIONS", path.replace("{", "").replace("}", "")).headers["Allow"]
            self.assertEqual({m.upper() for m in operations} | {"OPTIONS"}, set(allowed.split(", ")) - {"HEAD"}, path)

    def test_the_daemon_ends_with_connections_open(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/")
        self.assertEqual(connection.getresponse().read()[:1], b"{")
        self.agdb("shutdown")
        self.assertEqual(connection.sock.recv(1), b"")


class Strangers(HttpCase):
    def test_other_names_and_pages_are_turned_away(self):
        self.serve()
        self.problem(421, self.get("/", Host="evil.example"), "evil.example")
        self.problem(421, self.get("/", Host=f"evil.example:{self.port}"), "evil.example")
        self.problem(403, self.get("/", Origin="http://evil.example"), "other origins")
        self.problem(403, self.get("/", Sec_Fetch_Site="cross-site"), "other sites")
        self.assertEqual(self.get("/", Host=f"localhost:{self.port}").status, 200)
        self.assertNotIn("Access-Control-Allow-Origin", self.get("/").headers)

    def test_paths_are_no_paths_of_the_disk(self):
        self.serve()
        for target in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/traces/..", "/v1/traces/%00"):
            self.assertIn(b"HTTP/1.1 400 ", self.raw(
                f"GET {target} HTTP/1.1\r\nHost: {self.address}\r\nConnection: close\r\n\r\n".encode()), target)
        self.assertEqual(self.get("/v1/traces/%2Fetc%2Fpasswd").status, 400)
        self.assertEqual(self.get("/etc/passwd").status, 404)

    def test_what_is_no_http_gets_an_answer(self):
        self.serve()
        self.assertIn(b" 400 ", self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n").splitlines()[0])
        self.assertIn(b" 431 ", self.raw(b"GET / HTTP/1.1\r\nA: " + b"b" * 40_000).splitlines()[0])
        self.assertEqual(self.get("/").status, 200)

    def test_a_token_is_asked_of_everyone(self):
        token = self.write("token", "0123456789abcdef0123456789abcdef\n")
        token.chmod(0o600)
        self.serve("--http", "0.0.0.0:0", "--http-token-file", token)
        answer = self.get("/")
        self.problem(401, answer, "a token is needed")
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="agdb"')
        self.problem(401, self.get("/", Authorization="Bearer 0123456789abcdef0123456789abcdee"), "not the token")
        self.token = "0123456789abcdef0123456789abcdef"
        self.assertEqual(self.get("/").status, 200)


class Refused(HttpCase):
    """What serve does not begin with."""

    def serve_refused(self, *words, naming):
        line = self.refused("serve", "--detach", *words, naming=naming)
        self.agdb("status", expect=FAILED)
        return line

    def test_an_address_of_others_without_a_token(self):
        self.serve_refused("--http", "0.0.0.0:0", naming=["0.0.0.0:0 can be reached by others", "--http-token-file"])

    def test_a_token_file_that_others_may_read(self):
        token = self.write("token", "0123456789abcdef\n")
        token.chmod(0o644)
        self.serve_refused("--http", "127.0.0.1:0", "--http-token-file", token, naming=["open to others", "0644"])
        token.chmod(0o600)
        token.write_text("short\n")
        self.serve_refused("--http", "127.0.0.1:0", "--http-token-file", token, naming="shorter than 16")
        self.serve_refused("--http", "127.0.0.1:0", "--http-token-file", "missing", naming="missing")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.serve_refused("--http", f"127.0.0.1:{port}", naming=[f"127.0.0.1:{port}", "another program"])

    def test_a_port_alone_is_one_of_this_machine(self):
        self.serve("--http", ":0")
        self.assertRegex(self.address, r"^127\.0\.0\.1:\d+$")
        self.assertEqual(self.get("/v1/status").status, 200)

    def test_what_is_no_address(self):
        for word in ("65536", ":", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:1"):
            self.agdb("serve", "--http", word, expect=USAGE)
        self.serve_refused("--http-token-file", "x", naming="it goes with --http or --otlp")


if __name__ == "__main__":
    unittest.main()
