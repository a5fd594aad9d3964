"""Spans of instrumented agents, sent to `agdb serve --otlp`: they become recordings, runs and traces."""

import csv
import gzip
import http.client
import io
import json
import unittest

from agdb_case import SCRIPTS, SESSIONS
from test_daemon import DaemonCase

REAL = SESSIONS / "otlp" / "openai-agents-genai-resourceSpans.json"


def parts(request):
    """A request of each span alone."""
    for resource in request["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield {"resourceSpans": [{"resource": resource.get("resource", {}),
                                          "scopeSpans": [{"scope": scope.get("scope", {}), "spans": [span]}]}]}


def trace_ids(request):
    return {part["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"].lower() for part in parts(request)}


def plain_span(trace="ab" * 16, span="cd" * 8, **more):
    return {"traceId": trace, "spanId": span, "name": "GET /", "startTimeUnixNano": "1772964000000000000",
            "endTimeUnixNano": "1772964001000000000", **more}


def request_of(*spans):
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


class Ingest(DaemonCase):
    def setUp(self):
        super().setUp()
        self.serve("--otlp", "127.0.0.1:0")
        self.port = int(self.status()["listeners"]["otlp"].split(":")[1])

    def status(self):
        return self.agdb("status", "--json").json()

    def ask(self, body, path="/v1/traces", method="POST", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Content-Type": "application/json", **named})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def take(self, request, **headers):
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.assertEqual(self.ask(body, **headers), (200, {"partialSuccess": {}}))

    def end(self):
        self.agdb("shutdown")
        self.daemon = None

    def facts(self, record, *words):
        rows = csv.DictReader(io.StringIO(self.agdb("export", record, "--format", "csv", *words).out, newline=""))
        return sorted([row[key] for key in ("kind", "name", "start_ns", "duration_ns", "status", "tokens_used")]
                      for row in rows)

    def wanted(self):
        """What `agdb import` makes of the same spans."""
        elsewhere = self.folder / "wanted"
        record = self.agdb("import", REAL, "--records", elsewhere).lines()[0]
        return self.facts(record, "--records", elsewhere)

    def check_recorded(self):
        self.end()
        (run,) = [json.loads(line) for line in self.agdb("runs", "list", "--json").lines()]
        self.assertEqual(run["source_file"], "otlp")
        self.agdb("verify", run["record_id"])
        self.assertEqual(self.facts(run["record_id"]), self.wanted())
        request = json.loads(REAL.read_text())
        self.assertIn("Trace: ", self.agdb("trace", "show", trace_ids(request).pop()).out)

    def test_a_real_body_becomes_a_run(self):
        self.take(REAL.read_bytes())
        self.check_recorded()

    def test_spans_in_requests_of_their_own_out_of_order_and_twice(self):
        single = list(parts(json.loads(REAL.read_text())))
        self.assertGreater(len(single), 3)
        for request in reversed(single):
            self.take(request)
        for request in single[::2]:
            self.take(gzip.compress(json.dumps(request).encode()), Content_Encoding="gzip")
        told = self.status()["otlp"]
        self.assertEqual(told["requests"], len(single) + len(single[::2]))
        self.check_recorded()

    def test_a_complete_trace_is_recorded_while_the_daemon_lives(self):
        told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"}
        self.take(request_of(plain_span(attributes=[{"key": key, "value": {"stringValue": value}}
                                                    for key, value in told.items()])))
        self.assertIn("spans       1 in 1 request", self.agdb("status").out)
        while (told := self.status()["otlp"])["recordings"] == 0:
            self.assertEqual(told["dropped_traces"], 0)
        self.assertEqual((told["open_traces"], told["kept_traces"]), (0, 0))
        self.assertEqual(len(self.agdb("runs", "list", "--json").lines()), 1)

    def test_our_own_export_comes_in(self):
        record = self.record(SCRIPTS / "research-team.json")
        self.agdb("export", record, "--format", "otlp", "--otlp", f"http://127.0.0.1:{self.port}")
        self.end()
        runs = [json.loads(line) for line in self.agdb("runs", "list", "--json").lines()]
        self.assertEqual(len(runs), 2)
        self.assertEqual(runs[0]["tokens_input"], runs[1]["tokens_input"])

    def test_a_trace_without_an_agents_work_is_kept_as_spans(self):
        trace = "ab" * 16
        child = plain_span(span="ef" * 8, parentSpanId="cd" * 8, status={"code": 2, "message": "no"})
        self.take(request_of(plain_span(), child, plain_span()))
        self.end()
        self.assertEqual(self.agdb("runs", "list", "--json").out, "")
        tree = self.agdb("trace", "show", trace, "--json").json()
        self.assertEqual(tree["metadata"]["total_spans"], 2)
        self.assertEqual(tree["root"]["children"][0]["status"], "error")

    def test_kept_spans_keep_events_and_links(self):
        trace, elsewhere = "ab" * 16, "12" * 16
        event = {"name": "cache miss", "timeUnixNano": "1772964000000000007"}
        self.take(request_of(plain_span(events=[event], links=[{"traceId": elsewhere, "spanId": "34" * 8}])))
        self.end()
        (line,) = (self.folder / ".agdb" / "traces" / trace / "spans.jsonl").read_text().splitlines()
        span = json.loads(line)
        self.assertEqual([(e["name"], e["offset_ns"]) for e in span["span_events"]], [("cache miss", 7)])
        self.assertEqual([(to["trace_id"], to["span_id"]) for to in span["links"]], [(elsewhere, "34" * 8)])

    def test_another_span_of_one_id_is_counted(self):
        self.take(request_of(plain_span(), {**plain_span(), "name": "POST /"}))
        while (told := self.status()["otlp"])["kept_traces"] == 0:
            self.assertEqual(told["dropped_traces"], 0)
        self.assertEqual(told["dropped_spans"], 1)
        self.assertIn("1 span dropped for an id that was taken", self.agdb("status").out)

    def test_spans_without_ids_are_rejected_alone(self):
        bad = [plain_span(trace="nothing"), plain_span(span="../../x"), 7, plain_span(trace="0" * 32)]
        status, answer = self.ask(json.dumps(request_of(plain_span(), *bad)))
        self.assertEqual(status, 200)
        self.assertEqual(answer["partialSuccess"]["rejectedSpans"], "4")
        self.assertIn("traceId", answer["partialSuccess"]["errorMessage"])
        told = self.status()["otlp"]
        self.assertEqual((told["spans"], told["rejected_spans"]), (1, 4))

    def test_refusals(self):
        def refused(wanted, body=b"{}", says="", **more):
            status, answer = self.ask(body, **more)
            self.assertEqual(status, wanted, answer)
            self.assertEqual(answer["status"], wanted)
            self.assertIn(says, json.dumps(answer))

        for body in (b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"resourceSpans":7}'):
            refused(400, body)
        refused(415, b"\x0a\x00", says="application/json", Content_Type="application/x-protobuf")
        refused(415, says="application/json", Content_Type="text/plain")
        refused(415, says="gzip", Content_Encoding="br")
        refused(400, b"no gzip", says="gzip", Content_Encoding="gzip")
        refused(413, gzip.compress(bytes(70 << 20)), Content_Encoding="gzip")
        refused(405, None, method="GET")
        refused(404, path="/v1/logs")
        refused(421, Host="evil.example")
        refused(403, Origin="http://evil.example")
        self.assertEqual(self.status()["otlp"]["spans"], 0)
        self.take(request_of(plain_span()))

    def test_values_that_nobody_expects_harm_nobody(self):
        odd = [plain_span(startTimeUnixNano="-5", endTimeUnixNano="99999999999999999999"),
               plain_span(span="01" * 8, attributes=7, events={}, links="x", status=[], kind="?"),
               plain_span(span="02" * 8, name=None, startTimeUnixNano={}, parentSpanId=["a"]),
               plain_span(span="03" * 8, attributes=[{"key": "gen_ai.operation.name", "value": {"intValue": "x"}}]),
               plain_span(span="04" * 8, parentSpanId="04" * 8, name="\u0000\u001b[31m" * 1000)]
        self.take(request_of(*odd))
        self.end()
        self.assertIn("Trace: ", self.agdb("trace", "show", "ab" * 16).out)


if __name__ == "__main__":
    unittest.main()
