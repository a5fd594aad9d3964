"""The checker finds nothing in a good file, and in a file that breaks a rule that very rule."""

import copy
import json
import unittest

import check_trace


def meta(name, pid, tid=None, /, **args):
    event = {"ph": "M", "pid": pid, "ts": 0, "name": name, "args": args}
    if tid is not None:
        event["tid"] = tid
    return event


def piece(pid, tid, ts, dur, name, cat="step", /, **args):
    return {"ph": "X", "pid": pid, "tid": tid, "ts": ts, "dur": dur, "cat": cat, "name": name, "args": args}


def flow(ph, pid, tid, ts, number, name):
    event = {"ph": ph, "pid": pid, "tid": tid, "ts": ts, "id": number, "cat": "flow", "name": name}
    return dict(event, bp="e") if ph == "f" else event


def good():
    """Two agents, a call with all its phases, a tool, flows of both kinds, everything else once."""
    figures = {"model": "m", "success": True, "duration_ms": 1.0, "prompt_tokens": 100, "output_tokens": 50,
               "cache_read_tokens": 25, "ttft_ms": 200, "ttlt_ms": 700, "input_tokens_per_second": 500,
               "output_tokens_per_second": 100, "cache_hit_rate_percent": 25}
    return [
        meta("process_name", 1, name="lead"), meta("process_sort_index", 1, sort_index=1),
        meta("process_labels", 1, labels="pid 1"), meta("thread_name", 1, 1, name="agent"),
        meta("thread_name", 1, 100, name="model"), meta("thread_name", 1, 101, name="tools"),
        meta("thread_name", 1, 102, name="waits"), meta("thread_name", 1, 103, name="user"),
        {"ph": "B", "pid": 1, "tid": 1, "ts": 0, "cat": "process", "name": "lead"},
        piece(1, 1, 0, 5000, "step 1"),
        piece(1, 100, 0, 1000, "API Call", "llm_call", **figures),
        piece(1, 100, 0, 300.5, "Request Setup", "phase", attempts=2),
        piece(1, 100, 0, 200, "Attempt 1 (retry)", "phase"),
        piece(1, 100, 300.5, 200, "First Token", "phase"),
        piece(1, 100, 500.5, 400, "Sampling", "phase"),
        piece(1, 101, 1000, 1000, "Tool: look", "tool_call", name="look", success=True),
        piece(1, 100, 2000, 10, "API Call", "llm_call", model="m", success=False, error="no", duration_ms=0.01),
        flow("s", 1, 100, 999.999, "0xa1", "tool"), flow("t", 1, 101, 1000, "0xa1", "tool"),
        flow("f", 1, 100, 2000, "0xa1", "tool"),
        piece(1, 102, 3000, 0.001, "a child", "spawn"),
        meta("process_name", 2, name="child"), meta("thread_name", 2, 2, name="agent"),
        {"ph": "B", "pid": 2, "tid": 2, "ts": 3000, "cat": "process", "name": "child"},
        {"ph": "E", "pid": 2, "tid": 2, "ts": 3500, "args": {"incomplete": True}},
        flow("s", 1, 102, 3000, "b2", "spawn"), flow("f", 2, 2, 3000, "b2", "spawn"),
        piece(1, 103, 0, 900, "Interaction", "user_timing", prompt_length=4),
        piece(1, 103, 900, 100, "Waiting for User Input", "wait"),
        {"ph": "b", "pid": 1, "tid": 1, "ts": 10, "cat": "x", "id": "0x1", "name": "deep"},
        {"ph": "e", "pid": 1, "tid": 1, "ts": 20, "cat": "x", "id": "0x1", "name": "deep"},
        {"ph": "C", "pid": 1, "ts": 5, "name": "context", "args": {"tokens": 12}},
        {"ph": "i", "pid": 1, "tid": 1, "ts": 5, "s": "p", "cat": "state", "name": "running", "args": {}},
        {"ph": "E", "pid": 1, "tid": 1, "ts": 5000, "cat": "process", "name": "lead", "args": {}},
    ]


def find(events, name, ph=None):
    return next(e for e in events if e.get("name") == name and ph in (None, e["ph"]))


def change(name, ph=None, /, **members):
    def apply(events):
        find(events, name, ph).update(members)
    return apply


def change_args(name, ph=None, /, **args):
    def apply(events):
        find(events, name, ph)["args"].update(args)
    return apply


def drop(name, ph=None):
    return lambda events: events.remove(find(events, name, ph))


def drop_arg(name, key):
    return lambda events: find(events, name)["args"].pop(key)


def add(*more):
    return lambda events: events.extend(more)


TRUNCATED = {"ph": "i", "pid": 1, "tid": 1, "ts": 0, "s": "g", "name": "trace_truncated", "args": {"dropped_events": 3}}

# By rule: ways to break it, each of a file of its own.
BROKEN = {
    "event": [change("step 1", ph="Q"), change("step 1", name=""), add("text")],
    "id": [change("step 1", pid="1"), change("step 1", tid=2**32), change("context", pid=True)],
    "time": [change("step 1", ts="0"), change("step 1", ts=-1), change("context", ts=0.0001)],
    "dur": [lambda events: find(events, "step 1").pop("dur"), change("step 1", dur=-1), change("step 1", dur=0.0001)],
    "pairs": [drop("lead", "E"), drop("lead", "B"), change("lead", "E", name="other")],
    "nest": [add(piece(1, 1, 4000, 1500, "step 2")), add(piece(1, 100, 0, 999999, "outer"))],
    "tid": [add(piece(2, 1, 10, 1, "stray"))],
    "thread_name": [lambda events: events.remove(events[4]), add(meta("thread_name", 1, 100, name="another"))],
    "process_name": [lambda events: events.remove(events[0]), add(meta("process_name", 1, name="another"))],
    "metadata": [change("process_labels", name="process_color"), change_args("process_sort_index", sort_index="1"),
                 change_args("process_labels", labels="")],
    "args": [change("step 1", args=[])],
    "instant": [change("running", s="x"), lambda events: find(events, "running").pop("s")],
    "counter": [change("context", args={}), change_args("context", tokens="12"), change_args("context", tokens=True)],
    "flow_id": [change("spawn", id="xyz"), change("spawn", id=5)],
    "flow_ends": [drop("tool", "s"), drop("tool", "f"), change("tool", "t", ts=1), drop("spawn", "f")],
    "flow_bp": [lambda events: find(events, "tool", "f").pop("bp"),
                lambda events: find(events, "tool", "f").update(bp="s")],
    "flow_slice": [lambda events: find(events, "tool", "f").update(ts=2500),
                   lambda events: events.append(events.pop(events.index(find(events, "a child"))))],
    "flow_meaning": [lambda events: find(events, "tool", "t").update(tid=1),
                     lambda events: find(events, "spawn", "f").update(pid=1, tid=1)],
    "async": [drop("deep", "e"), drop("deep", "b"), lambda events: find(events, "deep", "e").update(cat="y")],
    "call_args": [drop_arg("API Call", "model"), change_args("API Call", success="yes"),
                  change_args("API Call", error="but"), change_args("API Call", duration_ms=2)],
    "call_figures": [change_args("API Call", input_tokens_per_second=501),
                     drop_arg("API Call", "output_tokens_per_second"), drop_arg("API Call", "prompt_tokens"),
                     change_args("API Call", cache_hit_rate_percent=25.001)],
    "phase_place": [change("First Token", tid=101), lambda events: find(events, "Request Setup").update(name="Setup")],
    "phase_order": [change("First Token", ts=301.5, dur=199), change("Sampling", ts=600, dur=300)],
    "tool_args": [change_args("Tool: look", name="other"), drop_arg("Tool: look", "success"),
                  change_args("Tool: look", success=False)],
    "tool_lane": [add(piece(1, 101, 1200, 100, "Tool: see", "tool_call", name="see", success=True))],
    "incomplete": [change_args("step 1", incomplete=1), change_args("step 1", evicted="yes")],
    "process_slice": [lambda events: find(events, "child").update(name="child") or
                      find(events, "child", "B").update(cat="step"),
                      add(piece(1, 1, 6000, 10, "late"))],
    "truncated": [add(TRUNCATED, TRUNCATED), add(dict(TRUNCATED, args={})),
                  add(dict(TRUNCATED, args={"dropped_events": 0}))],
    "user": [lambda events: find(events, "Waiting for User Input").update(ts=800, dur=100)],
}
# Of the file as a whole.
BROKEN_FILES = {
    "json": [b"", b"{", b"[NaN]", b"[\"\xff\"]"],
    "top": [b"{}", b"7", b'{"traceEvents":{}}'],
    "unit": [b'{"traceEvents":[],"displayTimeUnit":"ns"}'],
}


def rules_broken(data):
    return {rule for rule, _, _ in check_trace.check(data)[0]}


class CheckTraceTest(unittest.TestCase):
    def test_a_good_file_has_no_findings(self):
        for document in (good(), {"traceEvents": good(), "otherData": {"zero": "2026"}}):
            findings, counts = check_trace.check(json.dumps(document).encode())
            self.assertEqual(findings, [])
            self.assertEqual(counts["s"], 2)

    def test_each_broken_rule_is_found(self):
        for rule, ways in BROKEN.items():
            for number, way in enumerate(ways):
                with self.subTest(rule=rule, way=number):
                    events = copy.deepcopy(good())
                    way(events)
                    self.assertIn(rule, rules_broken(json.dumps(events).encode()))

    def test_broken_files_are_found(self):
        for rule, files in BROKEN_FILES.items():
            for data in files:
                with self.subTest(rule=rule, data=data):
                    self.assertEqual(rules_broken(data), {rule})

    def test_every_rule_has_a_broken_example(self):
        self.assertEqual(set(BROKEN) | set(BROKEN_FILES), set(check_trace.RULES))


if __name__ == "__main__":
    unittest.main()
