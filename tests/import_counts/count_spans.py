#!/usr/bin/env python3
"""Counts what agents did in files of spans (OTLP, OpenInference and the forms around them).

Written from the data and its documentation alone; shares nothing with debug/import. A file gives one
JSON object on one line. README.md says what the numbers mean.
"""

import json
import pathlib
import sys

AGENT, MODEL, TOOL = "agent", "model", "tool"
OPERATIONS = {
    "chat": MODEL,
    "generate_content": MODEL,
    "call_llm": MODEL,
    "execute_tool": TOOL,
    "invoke_agent": AGENT,
}
KINDS = {"LLM": MODEL, "GENERATION": MODEL, "TOOL": TOOL, "AGENT": AGENT}


def plain(value):
    """What an AnyValue holds."""
    if not isinstance(value, dict):
        return value
    for kind, held in value.items():
        if kind == "arrayValue":
            return [plain(item) for item in held.get("values", [])]
        if kind == "intValue":
            return int(held)
        return held
    return None


def attributes_of(span):
    found = span.get("attributes", span.get("tags"))
    if isinstance(found, list):
        return {entry["key"]: plain(entry["value"]) for entry in found}
    return found or {}


def identity(value):
    if isinstance(value, int):
        return f"{value:x}"
    return value or None


def start_of(span):
    for key in ("startTimeUnixNano", "start_time", "startTime"):
        if key in span:
            value = span[key]
            if isinstance(value, list):
                return value[0] * 10**9 + value[1]
            return int(value) if not isinstance(value, str) or value.isdigit() else value
    return 0


def is_failed(span, attributes):
    status = span.get("status") or {}
    code = status.get("code", status.get("status_code"))
    named = isinstance(code, str) and code.upper().endswith("ERROR")
    return code == 2 or named or attributes.get("error") is True


def role_of(attributes):
    operation = attributes.get("gen_ai.operation.name")
    if operation:
        return OPERATIONS.get(operation)
    kind = attributes.get("openinference.span.kind") or attributes.get("traceloop.span.kind")
    if kind:
        return KINDS.get(kind.upper())
    vercel = attributes.get("ai.operationId")
    if vercel:
        return MODEL if vercel.split(".")[-1] in ("doGenerate", "doStream") else None
    if attributes.get("llm.request.type") == "chat":
        return MODEL
    if "gen_ai.request.model" in attributes and "gen_ai.usage.input_tokens" in attributes:
        return MODEL
    if attributes.get("langfuse type") in KINDS:
        return KINDS[attributes["langfuse type"]]
    if attributes.get("gen_ai.tool.name"):
        return TOOL
    return AGENT if attributes.get("agent_name") or attributes.get("gen_ai.agent.name") else None


class Span:
    def __init__(self, raw, trace=None):
        context = raw.get("context") or raw.get("spanContext") or {}
        self.trace = trace or identity(
            raw.get("traceId") or raw.get("trace_id") or raw.get("traceID")
            or context.get("trace_id") or context.get("traceId")
        )
        self.id = identity(
            raw.get("spanId") or raw.get("span_id") or raw.get("spanID")
            or context.get("span_id") or context.get("spanId")
        )
        parent = raw.get("parentSpanId") or raw.get("parent_span_id") or raw.get("parent")
        if isinstance(parent, dict):
            parent = parent["span_id"]
        for reference in raw.get("references") or []:
            parent = reference["spanID"]
        self.parent = identity(parent)
        self.attributes = attributes_of(raw)
        self.start = start_of(raw)
        self.failed = is_failed(raw, self.attributes)
        self.role = role_of(self.attributes)
        self.above = None

    def ancestors(self):
        span = self.above
        while span:
            yield span
            span = span.above


def langfuse_spans(document):
    for observation in document["observations"]:
        metadata = observation["metadata"]
        if isinstance(metadata, str):
            metadata = json.loads(metadata)
        span = Span({"attributes": (metadata or {}).get("attributes")}, document["trace"]["id"])
        span.attributes = dict(span.attributes)
        span.attributes.setdefault("langfuse type", observation["type"])
        usage = observation.get("usageDetails") or {}
        for ours, theirs in (("input_tokens", "input"), ("output_tokens", "output")):
            if theirs in usage:
                span.attributes["gen_ai.usage." + ours] = usage[theirs]
        said = observation.get("output")
        if isinstance(said, list) and said and "parts" in said[0]:
            span.attributes.setdefault("gen_ai.output.messages", said)
        span.id, span.parent = observation["id"], observation.get("parentObservationId")
        span.start = observation["startTime"]
        span.failed = observation.get("level") == "ERROR"
        span.role = role_of(span.attributes)
        yield span


def spans_in(document):
    if isinstance(document, list):
        return [Span(raw) for raw in document]
    if "observations" in document:
        return list(langfuse_spans(document))
    if "data" in document:
        return [Span(raw) for trace in document["data"] for raw in trace["spans"]]
    if "spans" in document:
        return [Span(raw) for raw in document["spans"]]
    resources = document.get("resourceSpans", document.get("batches"))
    if resources is None:
        return [Span(document)]
    scopes = [
        scope
        for resource in resources
        for scope in resource.get("scopeSpans", resource.get("instrumentationLibrarySpans"))
    ]
    return [Span(raw) for scope in scopes for raw in scope["spans"]]


def first_of(attributes, *keys):
    for key in keys:
        if attributes.get(key) is not None:
            return int(attributes[key])
    return 0


def request_tokens(attributes):
    return first_of(attributes, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens",
                    "llm.token_count.prompt")


def response_tokens(attributes):
    return first_of(attributes, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
                    "llm.token_count.completion")


def asked_for(attributes):
    """How many tools the answer asked for, where the span holds the answer."""
    messages = attributes.get("gen_ai.output.messages")
    if messages:
        messages = json.loads(messages) if isinstance(messages, str) else messages
        return sum(part["type"] == "tool_call" for m in messages for part in m["parts"])
    names = [
        key for key in attributes
        if (key.startswith("gen_ai.completion.") or key.startswith("llm.output_messages."))
        and "tool_calls." in key and key.endswith(".name")
    ]
    return len(names)


def count_trace(spans):
    by_id = {span.id: span for span in spans if span.id}
    for span in spans:
        span.above = by_id.get(span.parent)
    # LangGraph's nodes named after agents: steps, where no tool runs below them.
    with_tools = {id(above) for span in spans if span.role == TOOL for above in span.ancestors()}
    for span in spans:
        metadata = span.attributes.get("metadata")
        if span.role == AGENT and span.above and id(span) not in with_tools and metadata:
            if "langgraph_node" in json.loads(metadata):
                span.role = None
    # One call told by several layers is the innermost's; a tool below it is not a layer.
    around = {
        id(above)
        for span in spans if span.role == MODEL
        for above in [next((a for a in span.ancestors() if a.role in (MODEL, AGENT)), None)]
        if above is not None and above.role == MODEL
    }
    calls = [span for span in spans if span.role == MODEL and id(span) not in around]
    tools = [
        span for span in spans
        if span.role == TOOL and next(
            (a.role for a in span.ancestors() if a.role in (TOOL, AGENT)), AGENT) == AGENT
    ]
    agents = [span for span in spans if span.role == AGENT]
    outside = any(
        all(above.role != AGENT for above in span.ancestors()) for span in calls + tools
    )
    if not (calls or tools or agents):
        return None
    # A tool that ran was asked for, whether or not the answer is there to say so.
    asked = sum(asked_for(span.attributes) for span in calls)
    return {
        "processes": len(agents) + outside,
        "model_calls": sum(not span.failed for span in calls),
        "tool_calls": max(len(tools), asked),
        "tool_errors": sum(span.failed for span in tools),
        "compactions": 0,
        "request_tokens": sum(request_tokens(span.attributes) for span in calls),
        "response_tokens": sum(response_tokens(span.attributes) for span in calls),
    }


def count_file(path):
    traces = {}
    for number, span in enumerate(spans_in(json.loads(path.read_text()))):
        traces.setdefault(span.trace or number, []).append(span)
    counted = [counts for counts in map(count_trace, traces.values()) if counts]
    keys = ("processes", "model_calls", "tool_calls", "tool_errors", "compactions",
            "request_tokens", "response_tokens")
    total = {key: sum(counts[key] for counts in counted) for key in keys}
    return {"file": str(path), "format": "otlp", "runs": len(counted), "total": total}


def main():
    files = []
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        files += sorted(path.rglob("*.json")) if path.is_dir() else [path]
    for file in files:
        print(json.dumps(count_file(file), sort_keys=True))


if __name__ == "__main__":
    main()
