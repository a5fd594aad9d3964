"""Spans out and in again: `agdb export --format otlp|folded|csv` and `agdb import`."""

import csv
import gzip
import http.server
import io
import json
import re
import threading
import unittest

from agdb_case import FAILED, SCRIPTS, SESSIONS, USAGE, AgdbCase

SESSION = SESSIONS / "claude-code" / "happy-task-inline-sidechain.jsonl"
HEX = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def spans_of(text):
    """All spans of a file of requests, each checked against the format's rules."""
    for line in text.splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                assert scope["schemaUrl"].endswith("/1.41.1")
                yield from map(checked, scope["spans"])


def checked(span):
    for key, length in HEX.items():
        assert key not in span or re.fullmatch(f"[0-9a-f]{{{length}}}", span[key]), span
    assert span["kind"] in range(6) and isinstance(span["kind"], int)
    assert re.fullmatch("[0-9]+", span["startTimeUnixNano"])
    assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    assert all(re.fullmatch("[a-z][A-Za-z]*", key) for key in span)
    keys = [attribute["key"] for attribute in span["attributes"]]
    assert len(keys) == len(set(keys)), keys
    for attribute in span["attributes"]:
        check_value(attribute["value"])
    return span


def check_value(value):
    ((kind, held),) = value.items()
    if kind == "intValue":
        assert re.fullmatch("-?[0-9]+", held)
    elif kind == "arrayValue":
        for item in held["values"]:
            check_value(item)
    else:
        assert kind in ("stringValue", "boolValue", "doubleValue", "kvlistValue"), kind


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes requests, after it has given the answers that a test asked for."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, b"{}")
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Otlp(AgdbCase):
    def imported(self, path, records="records"):
        return self.agdb("import", path, "--records", self.folder / records).lines()[0]

    def exported(self, record, *words, records="records"):
        return self.agdb("export", record, *words, "--records", self.folder / records).out

    def test_a_session_comes_back_with_the_same_spans(self):
        record = self.imported(SESSION)
        for content in ((), ("--content",)):
            with self.subTest(content=content):
                text = self.exported(record, "--format", "otlp", *content)
                again = "again" + "".join(content)
                back = self.imported(self.write(again + ".jsonl", text), again)
                self.assertEqual(self.facts(back, again), self.facts(record, "records"))

    def test_real_sessions_come_back_whole(self):
        for name in ("entire-cli-4c02af2759b6-0", "ccl-next-3680252d", "entire-cli-397737088f0a-0"):
            with self.subTest(name):
                record = self.imported(SESSIONS / "claude-code" / f"{name}.jsonl", name)
                text = self.exported(record, "--format", "otlp", "--content", "--raw", records=name)
                back = self.imported(self.write(f"{name}-again.jsonl", text), name + "-again")
                before, after = self.facts(record, name), self.facts(back, name + "-again")
                self.assertEqual(after, before)

    def facts(self, record, records):
        rows = csv.DictReader(io.StringIO(self.exported(record, "--format", "csv", records=records), newline=""))
        keep = ("kind", "name", "start_ns", "duration_ns", "status", "error", "tokens_used")
        return sorted([row[key] for key in keep] for row in rows if row["kind"] != "fn_call")

    def test_each_request_keeps_the_formats_rules(self):
        spans = list(spans_of(self.exported(self.imported(SESSION), "--format", "otlp")))
        names = {span["name"] for span in spans}
        self.assertIn("invoke_agent", names)
        self.assertTrue(any(name.startswith("chat claude-") for name in names))
        ids = {span["spanId"] for span in spans}
        self.assertEqual(len(ids), len(spans))
        roots = [span for span in spans if span.get("parentSpanId") not in ids]
        self.assertEqual(len(roots), 1)

    def test_content_is_there_when_asked_for_only(self):
        record = self.imported(SESSION)
        plain = self.exported(record, "--format", "otlp")
        self.assertNotIn("gen_ai.input.messages", plain)
        self.assertNotIn("TypeScript 5.6 features", plain.replace("Search TypeScript 5.6 features", ""))
        spans = list(spans_of(self.exported(record, "--format", "otlp", "--content")))
        calls = [attributes(s) for s in spans if s["name"].startswith("chat")]
        for call in calls:
            for message in json.loads(call["gen_ai.input.messages"]):
                self.assertIn(message["role"], ("system", "user", "assistant", "tool"))
                for part in message["parts"]:
                    self.assertIn(part["type"], ("text", "tool_call", "tool_call_response"))
            self.assertIn("finish_reason", json.loads(call["gen_ai.output.messages"])[0])
        tools = [attributes(s) for s in spans if s["name"].startswith("execute_tool")]
        self.assertTrue(all("gen_ai.tool.call.result" in tool for tool in tools))
        json.loads(tools[0]["gen_ai.tool.call.arguments"])

    def test_folded_stacks_add_up(self):
        record = self.imported(SESSION)
        lines = self.exported(record, "--format", "folded", "--weight", "tokens").splitlines()
        spans = list(spans_of(self.exported(record, "--format", "otlp")))
        calls = [attributes(s) for s in spans if s["name"].startswith("chat")]
        tokens = sum(int(c[f"gen_ai.usage.{kind}_tokens"]) for c in calls for kind in ("input", "output"))
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), tokens)
        for line in self.exported(record, "--format", "folded").splitlines():
            self.assertRegex(line, r"^[^;]+(;[^;]+)* [1-9][0-9]*$")

    def test_a_file_is_named_for_its_format(self):
        record = self.imported(SESSION)
        ran = self.agdb("export", record, "--format", "csv", "-o", "spans.csv", "--records",
                        self.folder / "records")
        self.assertEqual(ran.out, "")
        self.assertTrue((self.folder / "spans.csv").read_text().startswith("trace_id,"))

    def test_options_of_other_formats_are_refused(self):
        record = self.imported(SESSION)
        for words in (("csv", "--content"), ("otlp", "--weight", "time"), ("folded", "--otlp", "http://x")):
            self.refused("export", record, "--format", *words, "--records", self.folder / "records",
                         naming="is not for the format")
        self.refused("export", record, "--format", "otlp", "--otlp", "ftp://x", "--records",
                     self.folder / "records", naming="ftp://x")
        self.agdb("export", record, "--format", "xml", expect=USAGE)

    def collector(self, *answers):
        server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
        server.taken, server.answers = [], list(answers)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, f"http://127.0.0.1:{server.server_port}"

    def test_a_collector_is_sent_the_same_spans(self):
        record = self.imported(SESSION)
        server, url = self.collector((503, {"Retry-After": "0"}, b""))
        ran = self.agdb("export", record, "--format", "otlp", "--otlp", url, "--records",
                        self.folder / "records")
        self.assertEqual(ran.out, "")
        self.assertIn("1 retry", ran.err)
        self.assertEqual(len(server.taken), 2)
        path, headers, body = server.taken[1]
        self.assertEqual(path, "/v1/traces")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(body).decode(), self.exported(record, "--format", "otlp").rstrip("\n"))

    def test_what_a_collector_refuses_is_said(self):
        record = self.imported(SESSION)
        partial = json.dumps({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}).encode()
        server, url = self.collector((200, {}, partial))
        ran = self.agdb("export", record, "--format", "otlp", "--otlp", url, "--records",
                        self.folder / "records")
        self.assertIn("2 spans refused by the collector (too old)", ran.err)
        self.assertEqual(len(server.taken), 1)
        server, url = self.collector((400, {}, b'{"message":"no"}'))
        ran = self.agdb("export", record, "--format", "otlp", "--otlp", url, "--records",
                        self.folder / "records", expect=FAILED)
        self.assertIn("refused the spans with 400: no", ran.err)

    def test_spans_of_others_are_imported(self):
        for path in sorted((SESSIONS / "otlp").iterdir()):
            with self.subTest(path.name):
                ran = self.agdb("import", "--json", path, "--records", self.folder / path.name)
                (run,) = ran.json()["runs"]
                self.assertGreater(run["model_calls"] + run["failed_model_calls"], 0)
                self.agdb("verify", run["record_ids"][0], "--records", self.folder / path.name)

    def test_a_live_run_goes_out_too(self):
        record = self.record(SCRIPTS / "research-team.json")
        spans = list(spans_of(self.agdb("export", record, "--format", "otlp").out))
        self.assertEqual(sum(span["name"] == "invoke_agent" for span in spans), 3)


if __name__ == "__main__":
    unittest.main()
