"""Processes, recordings and live events over HTTP: the same as the command line prints, and no more."""

import http.client
import json
import unittest

from agdb_case import DONE, SCRIPTS, script
from http_case import HttpCase

# Put together here: no file of this repository holds what looks like a key.
KEY = "sk-ant-" + "api03-" + "a1B2c3D4" * 8


class Recordings(HttpCase):
    def setUp(self):
        super().setUp()
        self.id = self.record(SCRIPTS / "research-team.json")
        self.other = self.record(SCRIPTS / "hello.json")
        self.serve()
        self.path = f"/v1/recordings/{self.id}"

    def same(self, target, *words):
        """The answer is what the command prints."""
        answer = self.get(target)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json(), self.agdb(*words, "--json").json())
        self.assertEqual(answer.headers["Agdb-Masked"], "0")

    def test_lists(self):
        for words, query in (([], ""), (["--all"], "?all=true")):
            printed = [json.loads(line) for line in self.agdb("record", "list", *words, "--json").lines()]
            answer = self.get("/v1/recordings" + query).json()
            self.assertEqual(answer["unreadable"], 0)
            self.assertCountEqual(answer["recordings"], printed)

    def test_lists_page_by_page(self):
        for path, key, name in (("/v1/recordings", "recordings", "record_id"), ("/v1/spans", "traces", "trace_id")):
            whole = self.get(path).json()
            self.assertGreater(len(whole[key]), 1)
            self.assertNotIn("next", whole)
            paged, query = [], "?limit=1"
            while True:
                page = self.get(path + query).json()
                paged += page[key]
                if "next" not in page:
                    break
                query = f"?limit=1&before={page['next']}"
            self.assertEqual([one[name] for one in paged], [one[name] for one in whole[key]])
        self.problem(404, self.get("/v1/spans?before=no-such"), "no-such")
        self.problem(404, self.get("/v1/recordings?before=no-such"), "no-such")
        self.problem(400, self.get("/v1/traces?sort=tokens&before=2"), "before")

    def test_one_and_what_it_knew(self):
        last = self.events(self.id)[-1]["seq_num"]
        self.same(self.path, "record", "info", self.id)
        self.same(f"{self.path}/events/9", "show", self.id, 9)
        self.same(f"{self.path}/diff?from=9&to={last}", "diff", self.id, 9, last)
        self.same(f"{self.path}/diff?from={last}&to=9&with={self.other}", "diff", self.id, last, 9, self.other)
        for query, words in (("", ()), ("?at=20", ("--at", 20)), ("?at=20&budget=999", ("--at", 20, "--budget", 999))):
            self.same(f"{self.path}/growth{query}", "ctx", "growth", self.id, *words)
            self.same(f"{self.path}/profile{query}", "ctx", "profile", self.id, *words)
        self.same(f"{self.path}/fork?at=20", "fork", self.id, "--at", 20)
        self.assertEqual(self.get(f"{self.path}/context?at=20").json(), self.context(self.id, 20))
        self.assertEqual(self.get(f"{self.path}/context").json(), self.context(self.id, last))
        self.assertEqual(self.get("/v1/recordings/@").json()["record_id"], self.other)

    def printed(self, *words):
        return [json.loads(line) for line in self.agdb("show", self.id, *words, "--json").lines()]

    def test_pages_of_events(self):
        page = self.get(f"{self.path}/events?from=3&to=12").json()
        self.assertEqual(page, {"events": self.printed("--from", 3, "--to", 12), "next": None, "unreadable": 0})
        page = self.get(f"{self.path}/events?filter=trace%3D%25tool&filter=status%3Dsuccessful").json()
        self.assertEqual(page["events"], self.printed("-e", "trace=%tool", "-e", "status=successful"))
        gathered, start = [], 0
        while start is not None:
            page = self.get(f"{self.path}/events?limit=7&from={start}").json()
            gathered += page["events"]
            start = page["next"]
        self.assertEqual(gathered, self.printed())

    def test_lines_of_events(self):
        answer = self.get(f"{self.path}/events", Accept="application/x-ndjson")
        self.assertEqual(answer.headers["Content-Type"], "application/x-ndjson")
        self.assertEqual([json.loads(line) for line in answer.text().splitlines()], self.printed())

    def test_refusals(self):
        for target in ("/v1/recordings/9-9", "/v1/recordings/9-9/events", "/v1/recordings/9-9/growth"):
            self.problem(404, self.get(target), "9-9")
        self.problem(404, self.get(f"{self.path}/events/999999"), "event 999999 not found")
        self.problem(404, self.get(f"{self.path}/context?at=1"), "no context snapshot found")
        self.problem(404, self.get(f"{self.path}/fork?at=999999"), "event 999999 not found")
        self.problem(404, self.get(f"{self.path}/diff?from=9&to=999999&with={self.other}"), "999999")
        self.problem(400, self.get(f"{self.path}/events?filter=pid%3Dx"), "pid")
        self.problem(400, self.get(f"{self.path}/events?limit=0"), "limit")
        self.problem(400, self.get(f"{self.path}/diff?from=9"), "to")
        self.problem(400, self.get(f"{self.path}/events/x"), "seq")

    def test_an_id_is_no_path(self):
        for hostile in ("..", "..%2f..%2fetc", "%2fetc", ".hidden", "a%00b", "@%2f..", "a%0ab", "%ff"):
            answer = self.get(f"/v1/recordings/{hostile}")
            self.assertIn(answer.status, (400, 404), hostile)
            self.assertNotIn(b"root:", answer.body)


class Spans(HttpCase):
    def setUp(self):
        super().setUp()
        self.id = self.record(SCRIPTS / "research-team.json")
        self.other = self.record(SCRIPTS / "alternatives.json")
        self.serve()

    def test_exports_are_those_of_the_command_line(self):
        for query, words, kind in (("perfetto", (), "application/json"), ("otlp", (), "application/x-ndjson"),
                                   ("otlp&content=true", ("--content",), "application/x-ndjson"),
                                   ("csv", (), "text/csv"), ("folded", (), "text/plain; charset=utf-8"),
                                   ("folded&weight=tokens", ("--weight", "tokens"), "text/plain; charset=utf-8")):
            answer = self.get(f"/v1/recordings/{self.id}/export?format={query}")
            self.assertEqual(answer.status, 200, answer.body)
            # Python's text files make one line end of CR LF.
            printed = self.agdb("export", self.id, "--format", query.partition("&")[0], *words).out
            self.assertEqual(answer.text().replace("\r\n", "\n"), printed, query)
            self.assertEqual(answer.headers["Content-Type"], kind)
            self.assertEqual(answer.headers["Agdb-Masked"], "0")

    def test_exports_of_kept_spans_are_those_of_the_command_line(self):
        self.agdb("run", SCRIPTS / "hello.json", "--trace")
        trace = next((self.folder / ".agdb" / "traces").iterdir()).name
        for kind, query in (("perfetto", ""), ("otlp", ""), ("csv", ""), ("folded", ""), ("folded", "&weight=tokens")):
            words = ("--weight", "tokens") if query else ()
            answer = self.get(f"/v1/spans/{trace}/export?format={kind}{query}")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIn("say what time it is", answer.text(), kind)
            self.assertEqual(answer.text().replace("\r\n", "\n"),
                             self.agdb("export", trace, "--format", kind, *words).out, kind)
        self.problem(400, self.get(f"/v1/spans/{trace}/export?format=otlp&content=true"), "not their content")

    def test_exports_go_by_every_name_of_a_run(self):
        written = self.get(f"/v1/recordings/{self.id}/export?format=csv").body
        for name in (self.id, self.metadata(self.id)["trace_id"], self.metadata(self.id)["run_id"]):
            self.assertEqual(self.get(f"/v1/spans/{name}/export?format=csv").body, written, name)
        self.assertEqual(self.get("/v1/spans/@/export?format=csv").body,
                         self.get("/v1/recordings/@/export?format=csv").body)

    def test_a_process_of_the_daemon_is_found_by_its_pid(self):
        spawned = self.ask("POST", "/v1/processes", {
            "script": script([{"text": "late", "latency": "1h"}], intent="of the daemon"), "record": True}).json()
        for rest in ("", "/export?format=csv"):
            self.assertIn("of the daemon", self.get(f"/v1/spans/{spawned['pid']}{rest}").text())

    def test_trees_are_those_of_the_command_line(self):
        trace = self.metadata(self.id)["trace_id"]
        for name in (self.id, trace, self.metadata(self.id)["run_id"]):
            self.assertEqual(self.get(f"/v1/spans/{name}").json(), self.agdb("trace", "show", name, "--json").json())
            self.assertEqual(self.get(f"/v1/spans/{name}/blame").json(),
                             self.agdb("trace", "blame", name, "--json").json())
        self.assertEqual(self.get(f"/v1/spans/{self.id}/compare?with={self.other}").json(),
                         self.agdb("trace", "blame", self.id, self.other, "--json").json())
        self.assertEqual(self.get("/v1/spans").json()["traces"], self.agdb("trace", "list", "--json").json())

    def test_refusals(self):
        self.problem(404, self.get("/v1/spans/no-such"), "no-such")
        self.problem(404, self.get(f"/v1/spans/{self.id}/compare?with=9-9"), "9-9")
        self.problem(400, self.get(f"/v1/spans/{self.id}/compare"), "with")
        self.problem(404, self.get("/v1/recordings/9-9/export?format=csv"), "9-9")
        self.problem(400, self.get(f"/v1/recordings/{self.id}/export?format=svg"), "format")
        self.problem(400, self.get(f"/v1/recordings/{self.id}/export"), "format")
        self.problem(404, self.get("/v1/spans/no-such/export?format=csv"), "no-such")
        self.problem(400, self.get(f"/v1/spans/{self.id}/export"), "format")
        for hostile in ("..", "..%2f..", "%2fetc", ".hidden"):
            for rest in ("", "/export?format=csv"):
                self.assertIn(self.get(f"/v1/spans/{hostile}{rest}").status, (400, 404), hostile)


class Masking(HttpCase):
    def setUp(self):
        super().setUp()
        turns = [{"text": f"The key is {KEY}."}]
        self.id = self.record(self.write("keys.json", script(turns, intent=f"use {KEY} well")))
        self.serve()

    def test_content_is_masked_unless_raw(self):
        for rest in ("", "/events", "/context", "/diff?from=4&to=20", "/fork?at=20", "/events/20"):
            target = f"/v1/recordings/{self.id}{rest}"
            masked = self.get(target)
            self.assertEqual(masked.status, 200, masked.body)
            self.assertNotIn(KEY, masked.text(), target)
            self.assertIn("[masked:anthropic_key]", masked.text(), target)
            self.assertRegex(masked.headers["Agdb-Masked"], r"^anthropic_key=\d+$")
            raw = self.get(target + ("&" if "?" in target else "?") + "raw=true")
            self.assertIn(KEY, raw.text(), target)
            self.assertNotIn("Agdb-Masked", raw.headers)
        lines = self.get(f"/v1/recordings/{self.id}/events", Accept="application/x-ndjson")
        self.assertNotIn(KEY, lines.text())
        self.assertNotIn(KEY, self.get("/v1/recordings").text())

    def test_spans_and_exports_too(self):
        for target in (f"/v1/spans/{self.id}", f"/v1/recordings/{self.id}/export?format=otlp&content=true",
                       f"/v1/recordings/{self.id}/export?format=perfetto", "/v1/spans"):
            masked = self.get(target)
            self.assertNotIn(KEY, masked.text(), target)
            self.assertRegex(masked.headers["Agdb-Masked"], r"^anthropic_key=\d+$")
            self.assertIn(KEY, self.get(target + ("&" if "?" in target else "?") + "raw=true").text(), target)


class Processes(HttpCase):
    SLOW = script([{"text": "late", "latency": "1h"}], intent="wait")
    QUICK = script([{"text": "Hello."}], intent="say hello")

    def setUp(self):
        super().setUp()
        self.serve()

    def spawn(self, what, **more):
        answer = self.ask("POST", "/v1/processes", {"script": what, **more})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["pid"]

    def steer(self, pid, how, body, status=200):
        answer = self.ask("POST", f"/v1/processes/{pid}/{how}", body)
        self.assertEqual(answer.status, status, answer.body)
        return answer.json()

    def test_they_are_those_of_the_command_line(self):
        pid = self.spawn(self.SLOW, budget=5000)
        listed = self.get("/v1/processes").json()["processes"]
        printed = json.loads(self.agdb("ps", "--json").out)
        self.assertEqual([p["pid"] for p in listed], [pid])
        self.assertEqual([p["pid"] for p in printed], [pid])
        one = self.get(f"/v1/processes/{pid}").json()
        self.assertEqual((one["intent"], one["budget"], one["foreign"]), ("wait", 5000, False))
        contexts = self.get(f"/v1/processes/{pid}/contexts").json()["contexts"]
        self.assertEqual(contexts[0]["messages"][0]["content"], "wait")
        self.assertEqual(self.get(f"/v1/processes/{pid}/profile").json(),
                         self.agdb("ctx", "profile", pid, "--json").json())

    def test_they_are_steered(self):
        pid = self.spawn(self.SLOW)
        self.assertEqual(self.steer(pid, "budget", {"budget": 77, "policy": "pause"})["policy"], "pause")
        self.steer(pid, "signal", {"signal": "kill"})
        self.agdb("wait", pid, expect=4)
        self.assertEqual(self.get(f"/v1/processes/{pid}").json()["exit_reason"], "killed")
        self.assertEqual(self.get("/v1/processes").json()["processes"], [])
        self.assertEqual(len(self.get("/v1/processes?ended=true").json()["processes"]), 1)

    def test_they_are_recorded_from_now_on(self):
        pid = self.spawn(self.SLOW)
        begun = self.steer(pid, "recording", {"children": True}, status=201)["recordings"]
        self.assertEqual([r["pid"] for r in begun], [pid])
        record = begun[0]["record_id"]
        self.assertEqual(self.get(f"/v1/processes/{record}").json()["pid"], pid)
        self.problem(400, self.ask("POST", f"/v1/processes/{pid}/recording", {}), "recorded")
        ended = self.ask("DELETE", f"/v1/processes/{pid}/recording").json()
        self.assertEqual(ended["record_id"], record)
        self.assertEqual(self.get(f"/v1/recordings/{record}").json()["record_id"], record)

    def test_refusals(self):
        for target in ("", "/contexts", "/profile"):
            self.problem(404, self.get(f"/v1/processes/99{target}"), "99")
        self.problem(404, self.get("/v1/processes/no-such"), "no-such")
        self.problem(404, self.ask("POST", "/v1/processes/99/signal", {"signal": "kill"}), "99")
        self.problem(400, self.ask("POST", "/v1/processes", {"script": {"agdb_script": 1}}), "agents")
        self.problem(400, self.ask("POST", "/v1/processes", {}), "script")
        pid = self.spawn(self.SLOW)
        self.problem(400, self.ask("POST", f"/v1/processes/{pid}/signal", {"signal": "dance"}), "signal")
        self.problem(400, self.ask("POST", f"/v1/processes/{pid}/budget", {"budget": "much"}), "budget")


class Stream:
    """A client of server-sent events."""

    def __init__(self, port, target, last_id=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", target, headers={"Last-Event-ID": last_id} if last_id else {})
        self.response = self.connection.getresponse()
        self.last_id = last_id

    def next(self):
        """(name, data) of the next event; None at the end."""
        name, data, seen = "message", [], False
        while line := self.response.readline():
            line = line.decode().rstrip("\n")
            if not line and seen:
                return name, json.loads("\n".join(data))
            field, _, value = line.partition(": ")
            seen = seen or field in ("event", "data", "id")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "id":
                self.last_id = value
        return None

    def take(self, count):
        return [self.next() for _ in range(count)]

    def rest(self):
        return list(iter(self.next, None))

    def close(self):
        self.connection.close()


class Live(HttpCase):
    def setUp(self):
        super().setUp()
        self.serve()

    def spawn(self, what):
        return self.ask("POST", "/v1/processes", {"script": what}).json()["pid"]

    def ended(self, turns=1, **agent):
        pid = self.spawn(script([{"text": f"{n}", "calls": [{"id": f"c{n}", "name": "ls", "arguments": {}}]}
                                 for n in range(turns - 1)] + [{"text": "done"}], **agent))
        self.agdb("wait", pid)
        return pid

    def test_events_are_those_of_strace(self):
        pid = self.ended()
        stream = Stream(self.port, f"/v1/events/stream?pid={pid}&last=100")
        self.assertEqual(stream.response.status, 200)
        self.assertEqual(stream.response.headers["Content-Type"], "text/event-stream")
        told = stream.rest()
        self.assertEqual(told[-1], ("exit", {"pid": pid, "exit_code": 0, "exit_reason": "completed", "last": True}))
        printed = [json.loads(line) for line in self.agdb("strace", pid, "--last", 100, "--json").lines()]
        self.assertEqual([data for name, data in told if name == "event"],
                         [event for event in printed if event.get("type") != "process_end"])

    def test_a_broken_stream_goes_on_where_it_was(self):
        pid = self.ended(turns=3)
        whole = Stream(self.port, f"/v1/events/stream?pid={pid}&last=200").rest()
        stream = Stream(self.port, f"/v1/events/stream?pid={pid}&last=200")
        first = stream.take(5)
        stream.close()
        rest = Stream(self.port, f"/v1/events/stream?pid={pid}", stream.last_id).rest()
        self.assertEqual(first + rest, whole)

    def test_what_is_no_longer_there_is_told(self):
        pid = self.ended(turns=2)
        stream = Stream(self.port, f"/v1/events/stream?pid={pid}&last=1000")
        first = stream.take(1)
        count = len(first) + len(stream.rest()) - 1
        stream = Stream(self.port, f"/v1/events/stream?pid={pid}&last=1000")
        stream.take(1)
        oldest = stream.last_id
        stream.close()
        many = self.ended(turns=40)
        stream = Stream(self.port, f"/v1/events/stream?pid={many}", oldest)
        told = stream.rest()
        lost = [data["lost"] for name, data in told if name == "lost"]
        self.assertEqual(len([1 for name, _ in told if name == "event"]), 256)
        self.assertEqual(told[0][0], "lost")
        self.assertGreater(lost[0], 0)
        self.assertGreater(count, 10)
        other_life = Stream(self.port, f"/v1/events/stream?pid={pid}&last=1", "abc-1").rest()
        self.assertEqual(other_life[0], ("lost", {"lost": None}))

    def test_filters_and_secrets(self):
        pid = self.ended(intent=f"use {KEY} well")
        told = Stream(self.port, f"/v1/events/stream?pid={pid}&last=100&filter=trace%3DCtxWrite").rest()
        self.assertEqual({data.get("syscall") for name, data in told if name == "event"}, {"CtxWrite"})
        told = Stream(self.port, f"/v1/events/stream?pid={pid}&last=100").rest()
        self.assertNotIn(KEY, json.dumps(told))
        self.assertIn("[masked:anthropic_key]", json.dumps(told))
        raw = Stream(self.port, f"/v1/events/stream?pid={pid}&last=100&raw=true").rest()
        self.assertIn(KEY, json.dumps(raw))

    def test_all_with_children_to_come(self):
        stream = Stream(self.port, "/v1/events/stream?all=true")
        team = self.spawn(json.loads((SCRIPTS / "hello.json").read_text()))
        name, first = stream.next()
        self.assertEqual((name, first["type"], first["pid"]), ("event", "process_start", team))
        self.agdb("kill", team, expect=DONE)
        while name != "exit":
            name, data = stream.next()
        self.assertEqual(data["pid"], team)
        stream.close()

    def test_refusals(self):
        self.problem(400, self.get("/v1/events/stream"), "pid")
        self.problem(400, self.get("/v1/events/stream?pid=1&all=true"), "pid")
        self.problem(404, self.get("/v1/events/stream?pid=99"), "99")
        self.problem(400, self.get("/v1/events/stream?all=true&filter=pid%3Dx"), "pid")
        self.problem(400, self.get("/v1/events/stream?all=true&last=-1"), "last")


if __name__ == "__main__":
    unittest.main()
