#!/usr/bin/env python3
"""Checks Chrome trace event files: what the Perfetto UI accepts, and what agdb promises of its exports.

    check_trace.py FILE...        a line a file; exit code 3 when anything was found
    check_trace.py --rules        the rules

Shares nothing with the exporter: it was written from the format's description alone.
"""

import bisect
import json
import math
import re
import sys
from collections import defaultdict
from decimal import Decimal

RULES = {
    "json": "the file is JSON, UTF-8, without NaN or infinities",
    "top": "an array, or an object with the list traceEvents",
    "unit": "displayTimeUnit is not ns",
    "event": "each event is an object with a known ph, and a name unless it ends a slice",
    "id": "pid and tid are whole numbers of 32 bits",
    "time": "ts is a number of microseconds from 0 on, of whole nanoseconds",
    "dur": "an X has dur, from 0 on, of whole nanoseconds",
    "pairs": "each B has its E on the same track, in order",
    "nest": "slices of one track nest or lie apart",
    "tid": "a tid belongs to one process",
    "thread_name": "each track that is used has one name",
    "process_name": "each process that is used has one name",
    "metadata": "metadata events are of a known name, with the argument that belongs to it",
    "args": "args is an object",
    "instant": "an instant has a scope: g, p or t",
    "counter": "the args of a counter are numbers, one at least",
    "flow_id": "the id of a flow is a hexadecimal text",
    "flow_ends": "a flow has one s, one f, and goes forward in time",
    "flow_bp": "an f has bp e",
    "flow_slice": "each end of a flow is bound to a slice that stands before it in the file",
    "flow_meaning": "a tool's flow goes from an API Call over the tool, a spawn's into another process",
    "async": "each b has its e with the same cat, id and name, not before it",
    "call_args": "an API Call tells model, success and duration, and the error of a failed one",
    "call_figures": "derived figures: two decimals, there exactly when their operands are, and right",
    "phase_place": "phases lie within an API Call of their track, attempts within Request Setup",
    "phase_order": "Request Setup, First Token, Sampling follow one another from the call's start",
    "tool_args": "a Tool slice is called by its args.name, and tells success, and the error of a failed one",
    "tool_lane": "no tool lies within another slice of its track",
    "incomplete": "incomplete and evicted are true where they are",
    "process_slice": "each agent has one slice, which holds all of its first track",
    "truncated": "trace_truncated says once how many events went",
    "user": "waits for a person and interactions do not overlap",
}

PHASES = {"Request Setup", "First Token", "Sampling"}
ATTEMPT = re.compile(r"Attempt [1-9][0-9]* \(retry\)$")
METADATA = {
    "process_name": ("name", str), "thread_name": ("name", str), "process_labels": ("labels", str),
    "process_sort_index": ("sort_index", int), "thread_sort_index": ("sort_index", int),
}


def is_number(value):
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def nanoseconds(value):
    """Microseconds as whole nanoseconds; None when that is not what it is."""
    if not is_number(value) or (isinstance(value, Decimal) and not value.is_finite()):
        return None
    scaled = Decimal(value) * 1000
    if scaled != scaled.to_integral_value():
        return None
    return int(scaled)


class Slice:
    def __init__(self, index, event, start, end):
        self.index, self.event, self.start, self.end = index, event, start, end
        self.name = event.get("name", "")
        self.cat = event.get("cat", "")
        self.args = event.get("args", {})
        self.parent = None

    def holds(self, at):
        return self.start <= at < self.end


class Checker:
    def __init__(self):
        self.findings = []
        self.counts = defaultdict(int)
        self.slices = defaultdict(list)        # by tid
        self.begun = defaultdict(list)         # B without E, by tid
        self.pid_of = {}                       # of a tid
        self.used_pids = set()
        self.used_tids = set()
        self.names = {"process_name": defaultdict(set), "thread_name": defaultdict(set)}
        self.flows = defaultdict(list)
        self.async_events = defaultdict(list)
        self.truncated = []

    def find(self, rule, index, what):
        assert rule in RULES, rule
        self.findings.append((rule, index, what))

    # The whole file

    def check_text(self, data):
        def refuse(constant):
            raise ValueError(f"{constant} is no JSON")

        try:
            document = json.loads(data.decode("utf-8"), parse_float=Decimal, parse_constant=refuse)
        except (ValueError, RecursionError) as error:
            self.find("json", None, str(error))
            return
        events = document
        if isinstance(document, dict):
            events = document.get("traceEvents")
            if document.get("displayTimeUnit") == "ns":
                self.find("unit", None, "displayTimeUnit is ns")
        if not isinstance(events, list):
            self.find("top", None, "no list of events")
            return
        self.check_events(events)

    def check_events(self, events):
        for index, event in enumerate(events):
            if self.check_shape(index, event):
                self.counts[event["ph"]] += 1
                getattr(self, "take_" + event["ph"])(index, event)
        for tid, stack in self.begun.items():
            for index, _, _ in stack:
                self.find("pairs", index, f"B without E on track {tid}")
        self.check_names()
        self.check_slices()
        self.check_flows()
        self.check_async()
        self.check_truncated()

    def check_shape(self, index, event):
        if not isinstance(event, dict) or event.get("ph") not in set("BEXiCMstfbne"):
            self.find("event", index, f"no event: {str(event)[:80]}")
            return False
        ph = event["ph"]
        good = True
        if ph != "E" and not (isinstance(event.get("name"), str) and event["name"]):
            self.find("event", index, "an event without a name")
            good = False
        for key in ("pid", "tid"):
            needed = key == "pid" or ph in "BEXistf" or (ph == "M" and "thread" in str(event.get("name")))
            value = event.get(key)
            if value is None and not needed:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
                self.find("id", index, f"{key} is {value!r}")
                good = False
        at = nanoseconds(event.get("ts", 0 if ph == "M" else None))
        if at is None or at < 0:
            self.find("time", index, f"ts is {event.get('ts')!r}")
            good = False
        if "args" in event and not isinstance(event["args"], dict):
            self.find("args", index, f"args is {event['args']!r}")
            good = False
        if good and ph != "M":
            self.used_pids.add(event["pid"])
            if event.get("tid") is not None and ph in "BEXistf":
                self.use_track(index, event)
        for mark in ("incomplete", "evicted"):
            if mark in event.get("args", {}) and event["args"][mark] is not True:
                self.find("incomplete", index, f"{mark} is {event['args'][mark]!r}")
        return good

    def use_track(self, index, event):
        self.used_tids.add(event["tid"])
        owner = self.pid_of.setdefault(event["tid"], event["pid"])
        if owner != event["pid"]:
            self.find("tid", index, f"tid {event['tid']} is of the processes {owner} and {event['pid']}")

    # One event each

    def take_X(self, index, event):
        start = nanoseconds(event["ts"])
        length = nanoseconds(event.get("dur"))
        if length is None or length < 0:
            self.find("dur", index, f"dur is {event.get('dur')!r}")
            return
        self.slices[event["tid"]].append(Slice(index, event, start, start + length))

    def take_B(self, index, event):
        self.begun[event["tid"]].append((index, event, nanoseconds(event["ts"])))

    def take_E(self, index, event):
        stack = self.begun[event["tid"]]
        at = nanoseconds(event["ts"])
        if not stack or ("name" in event and event["name"] != stack[-1][1]["name"]) or at < stack[-1][2]:
            self.find("pairs", index, "an E that ends nothing")
            return
        begun_index, begun, start = stack.pop()
        begun = dict(begun, args={**begun.get("args", {}), **event.get("args", {})})
        self.slices[event["tid"]].append(Slice(begun_index, begun, start, at))

    def take_i(self, index, event):
        if event.get("s") not in ("g", "p", "t"):
            self.find("instant", index, f"s is {event.get('s')!r}")
        if event["name"] == "trace_truncated":
            self.truncated.append((index, event))

    def take_C(self, index, event):
        args = event.get("args")
        if not args or not all(is_number(value) for value in args.values()):
            self.find("counter", index, f"args is {args!r}")

    def take_M(self, index, event):
        name = event["name"]
        key, kind = METADATA.get(name, (None, None))
        value = event.get("args", {}).get(key) if key else None
        if key is None or not isinstance(value, kind) or isinstance(value, bool) or value == "":
            self.find("metadata", index, f"{name}: {event.get('args')!r}")
            return
        if name == "thread_name":
            self.use_track(index, event)
            self.names[name][event["tid"]].add(value)
        elif name == "process_name":
            self.names[name][event["pid"]].add(value)

    def take_flow(self, index, event):
        flow = event.get("id")
        if not isinstance(flow, str) or not re.fullmatch(r"(0x)?[0-9a-fA-F]{1,16}", flow):
            self.find("flow_id", index, f"id is {flow!r}")
            return
        if event["ph"] == "f" and event.get("bp") != "e":
            self.find("flow_bp", index, f"bp is {event.get('bp')!r}")
        key = (event.get("cat"), event["name"], int(flow, 16))
        self.flows[key].append((index, event, nanoseconds(event["ts"])))

    take_s = take_t = take_f = take_flow

    def take_async(self, index, event):
        key = (event["pid"], event.get("cat"), event.get("id"), event["name"])
        self.async_events[key].append((index, event, nanoseconds(event["ts"])))

    take_b = take_n = take_e = take_async

    # All together

    def check_names(self):
        for rule, used in (("thread_name", self.used_tids), ("process_name", self.used_pids)):
            for number in sorted(used):
                names = self.names[rule].get(number, set())
                if len(names) != 1:
                    self.find(rule, None, f"{number} has the names {sorted(names)}")

    def check_slices(self):
        of_processes = defaultdict(list)
        for tid, slices in self.slices.items():
            slices.sort(key=lambda s: (s.start, -s.end, s.index))
            self.nest(slices)
            for each in slices:
                if each.cat == "process":
                    of_processes[self.pid_of[tid]].append((tid, each))
                if each.name == "API Call":
                    self.check_call(each)
                if each.name.startswith("Tool: "):
                    self.check_tool(each)
                if each.name in PHASES or ATTEMPT.match(each.name):
                    self.check_phase(each)
            self.check_phase_order(slices)
            self.check_users(slices)
        if not self.truncated:
            self.check_processes(of_processes)

    def nest(self, slices):
        open_slices = []
        for each in slices:
            while open_slices and open_slices[-1].end <= each.start and not (
                    open_slices[-1].start == open_slices[-1].end == each.start == each.end):
                open_slices.pop()
            while open_slices and open_slices[-1].start == open_slices[-1].end:
                open_slices.pop()
            if open_slices:
                around = open_slices[-1]
                if each.end > around.end:
                    self.find("nest", each.index,
                              f"{each.name!r} overlaps {around.name!r} (event {around.index})")
                elif around.index > each.index and (around.start, around.end) != (each.start, each.end) \
                        and around.start == each.start:
                    self.find("nest", each.index,
                              f"{each.name!r} stands before {around.name!r}, in which it begins")
                each.parent = around
            open_slices.append(each)

    def check_processes(self, of_processes):
        for pid in {self.pid_of[tid] for tid in self.slices}:
            slices = of_processes.get(pid, [])
            if len(slices) != 1:
                self.find("process_slice", None, f"process {pid} has {len(slices)} slices of its own")
                continue
            tid, whole = slices[0]
            for each in self.slices[tid]:
                if each.start < whole.start or each.end > whole.end:
                    self.find("process_slice", each.index, f"{each.name!r} sticks out of its process")

    def check_call(self, call):
        args = call.args
        if not isinstance(args.get("model"), str) or not isinstance(args.get("success"), bool) \
                or not is_number(args.get("duration_ms")):
            self.find("call_args", call.index, "model, success or duration_ms is missing")
        elif args["success"] == ("error" in args):
            self.find("call_args", call.index, "error and success do not go together")
        elif abs(Decimal(args["duration_ms"]) - Decimal(call.end - call.start) / 10**6) > Decimal("0.006"):
            self.find("call_args", call.index, "duration_ms is not the slice's")

        def known(key):
            value = args.get(key)
            if value is None:
                return Decimal(0)
            if not is_number(value) or value < 0:
                self.find("call_args", call.index, f"{key} is {value!r}")
                return Decimal(0)
            return Decimal(value)

        prompt, output, cached = known("prompt_tokens"), known("output_tokens"), known("cache_read_tokens")
        first, last = known("ttft_ms"), known("ttlt_ms")
        self.check_figure(call, "input_tokens_per_second", prompt * 1000, first, first)
        self.check_figure(call, "output_tokens_per_second", output * 1000,
                          last - first if first > 0 and last > first else Decimal(0), first)
        self.check_figure(call, "cache_hit_rate_percent", cached * 100, prompt, 0)

    def check_figure(self, call, key, above, below, rounded):
        """`below` may be 0.01 off where it comes of times that were rounded."""
        value = call.args.get(key)
        expected = above > 0 and below > 0
        slack = Decimal("0.011") if rounded else Decimal(0)
        if value is None:
            if expected and below > slack:
                self.find("call_figures", call.index, f"{key} is missing")
            return
        if not expected and not (rounded and above > 0):
            self.find("call_figures", call.index, f"{key} is there without its operands")
            return
        if not is_number(value) or Decimal(value) * 100 % 1 != 0:
            self.find("call_figures", call.index, f"{key} is {value}, which has not two decimals")
            return
        lowest = above / (below + slack) - Decimal("0.01") if below + slack > 0 else 0
        highest = above / (below - slack) + Decimal("0.01") if below > slack else Decimal("Infinity")
        if not lowest <= Decimal(value) <= highest:
            self.find("call_figures", call.index, f"{key} is {value}, not {above / below:.2f}")

    def check_phase(self, phase):
        wanted = "Request Setup" if ATTEMPT.match(phase.name) else "API Call"
        if phase.parent is None or phase.parent.name != wanted:
            # An equal slice may stand around it.
            self.find("phase_place", phase.index, f"{phase.name!r} does not lie in {wanted!r}")

    def check_phase_order(self, slices):
        phases = defaultdict(dict)
        for each in slices:
            if each.name in PHASES and each.parent is not None:
                if each.name in phases[each.parent]:
                    self.find("phase_order", each.index, f"a second {each.name!r}")
                phases[each.parent][each.name] = each
        for call, of_call in phases.items():
            at = call.start
            for name in ("Request Setup", "First Token", "Sampling"):
                phase = of_call.get(name)
                if phase is None:
                    continue
                if phase.start != at:
                    self.find("phase_order", phase.index, f"{name!r} does not begin where it should")
                at = phase.end

    def check_tool(self, tool):
        args = tool.args
        if args.get("name") != tool.name[len("Tool: "):] or not isinstance(args.get("success"), bool) \
                or args["success"] == ("error" in args):
            self.find("tool_args", tool.index, f"{tool.name!r}: {dict(list(args.items())[:4])}")
        if tool.parent is not None:
            self.find("tool_lane", tool.index, f"{tool.name!r} lies in {tool.parent.name!r}")

    def check_users(self, slices):
        users = [s for s in slices if s.name in ("Waiting for User Input", "Interaction")]
        for before, after in zip(users, users[1:]):
            if after.start < before.end:
                self.find("user", after.index, f"{after.name!r} begins within {before.name!r}")

    def slice_at(self, tid, at, before):
        """The innermost slice around that moment that stands before the event in the file, or began before."""
        slices = self.slices.get(tid, [])
        last = bisect.bisect_right([s.start for s in slices], at) if len(slices) < 64 else \
            bisect.bisect_right(self.starts(tid), at)
        for each in reversed(slices[:last]):
            while each is not None:
                if each.holds(at) and (each.start < at or each.index < before):
                    return each
                each = each.parent
            break
        for each in reversed(slices[max(0, last - 64):last]):
            if each.holds(at) and (each.start < at or each.index < before):
                return each
        return None

    def starts(self, tid):
        cache = self.__dict__.setdefault("starts_cache", {})
        if tid not in cache:
            cache[tid] = [s.start for s in self.slices[tid]]
        return cache[tid]

    def check_flows(self):
        for (cat, name, number), ends in self.flows.items():
            ends.sort(key=lambda end: (end[2], "stf".index(end[1]["ph"])))
            shape = "".join(end[1]["ph"] for end in ends)
            if not re.fullmatch("st*f", shape):
                self.find("flow_ends", ends[0][0], f"flow {name} {number:x} is {shape}")
                continue
            around = [self.slice_at(end[1]["tid"], end[2], end[0]) for end in ends]
            for end, slice_around in zip(ends, around):
                if slice_around is None:
                    self.find("flow_slice", end[0], f"{end[1]['ph']} of flow {name} is in no slice")
            if None in around:
                continue
            self.check_flow_meaning(name, ends, around)

    def check_flow_meaning(self, name, ends, around):
        def inside(each, wanted):
            while each is not None:
                if each.name.startswith(wanted):
                    return True
                each = each.parent
            return False

        first, last = ends[0], ends[-1]
        good = True
        if name == "tool":
            good = inside(around[0], "API Call")
            good = good and any(inside(each, "Tool: ") for each in around[1:])
            good = good and (len(ends) == 2 or inside(around[-1], "API Call"))
        elif name == "spawn":
            good = first[1]["pid"] != last[1]["pid"]
        if not good:
            self.find("flow_meaning", first[0], f"flow {name} goes from {around[0].name!r} to {around[-1].name!r}")

    def check_async(self):
        for key, events in self.async_events.items():
            depth = 0
            events.sort(key=lambda each: (each[2], each[0]))
            for index, event, _ in events:
                depth += {"b": 1, "e": -1, "n": 0}[event["ph"]]
                if depth < 0 or (event["ph"] == "n" and depth == 0):
                    self.find("async", index, f"{event['ph']} of {key[3]!r} has no b")
                    break
            if depth > 0:
                self.find("async", events[0][0], f"b of {key[3]!r} has no e")

    def check_truncated(self):
        for index, event in self.truncated[1:]:
            self.find("truncated", index, "a second trace_truncated")
        for index, event in self.truncated[:1]:
            count = event.get("args", {}).get("dropped_events")
            if not isinstance(count, int) or isinstance(count, bool) or count <= 0:
                self.find("truncated", index, f"dropped_events is {count!r}")


def check(data):
    """(findings, counts by ph) of a file's bytes. A finding is (rule, index of the event or None, text)."""
    checker = Checker()
    checker.check_text(data)
    return checker.findings, dict(checker.counts)


def main(words):
    if words == ["--rules"]:
        for name, text in RULES.items():
            print(f"{name:14} {text}")
        return 0
    found = 0
    for path in words:
        with open(path, "rb") as file:
            findings, counts = check(file.read())
        found += len(findings)
        total = sum(counts.values())
        print(f"{path}: {total} events, {counts.get('X', 0)} slices, {counts.get('s', 0)} flows, "
              f"{counts.get('C', 0)} counter values: {len(findings)} findings")
        for rule, index, text in findings[:20]:
            where = "" if index is None else f" event {index}:"
            print(f"  {rule}:{where} {text}")
    return 3 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
