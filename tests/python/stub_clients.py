"""Clients of the shape of OpenAI's and Anthropic's, whose answers are recorded ones.

The events of a recorded stream become objects, one a chunk, as those libraries make them; a whole
answer is put together here, from what the API's own description says of its events.
"""

import json
import pathlib

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "http"


class Thing:
    """What the libraries' models are to a reader: attributes."""

    def __init__(self, **members):
        self.__dict__.update(members)

    def __repr__(self):
        return "Thing(%s)" % ", ".join(self.__dict__)


def things(value):
    if isinstance(value, dict):  # a tool's input stays a dict there, too
        return Thing(**{key: item if key == "input" else things(item)
                        for key, item in value.items()})
    return [things(item) for item in value] if isinstance(value, list) else value


class Recorded:
    """One exchange of a file in fixtures/http: `request` as a client is called, and `events`."""

    def __init__(self, name, number=0):
        exchange = json.loads((FIXTURES / (name + ".json")).read_text())["interactions"][number]
        self.request = exchange["request"]["body"]
        self.events = []
        for line in exchange["response"]["body"].splitlines():
            if line.startswith("data:") and line[5:].strip() != "[DONE]":
                self.events.append(json.loads(line[5:]))

    def chunks(self):
        return [things(event) for event in self.events]

    def without_stream(self):
        return {key: value for key, value in self.request.items()
                if key not in ("stream", "stream_options")}

    def whole_message(self):
        """Anthropic's message, as it comes without a stream."""
        message, texts = None, {}
        for event in self.events:
            if event["type"] == "message_start":
                message = json.loads(json.dumps(event["message"]))
            elif event["type"] == "content_block_start":
                message["content"].append(dict(event["content_block"]))
            elif event["type"] == "content_block_delta":
                block, delta = message["content"][event["index"]], event["delta"]
                if "partial_json" in delta:
                    texts[event["index"]] = texts.get(event["index"], "") + delta["partial_json"]
                else:
                    key = delta["type"].split("_")[0]
                    block[key] = block.get(key, "") + delta[key]
            elif event["type"] == "message_delta":
                message.update(event["delta"])
                message["usage"].update(event["usage"])
        for index, text in texts.items():
            message["content"][index]["input"] = json.loads(text) if text else {}
        return message

    def whole_completion(self):
        """OpenAI's completion, as it comes without a stream."""
        message = {"role": "assistant", "content": None, "tool_calls": []}
        whole = {"model": self.events[0]["model"], "choices": [{"index": 0, "message": message}]}
        for event in self.events:
            whole["usage"] = event.get("usage") or whole.get("usage")
            for choice in event["choices"]:
                delta = choice["delta"]
                if choice["finish_reason"]:
                    whole["choices"][0]["finish_reason"] = choice["finish_reason"]
                for key in ("content", "reasoning_content"):
                    if delta.get(key):
                        message[key] = (message.get(key) or "") + delta[key]
                for piece in delta.get("tool_calls", ()):
                    if piece["index"] == len(message["tool_calls"]):
                        message["tool_calls"].append(
                            {"id": piece["id"], "type": "function",
                             "function": {"name": piece["function"]["name"], "arguments": ""}})
                    function = message["tool_calls"][piece["index"]]["function"]
                    function["arguments"] += piece["function"].get("arguments", "")
        return whole

    def whole_response(self):
        """OpenAI's response: the stream's last event has it."""
        return self.events[-1]["response"]


class BrokenStream(Exception):
    """What the network does to a stream."""


class Stream:
    """An answer that comes in chunks: iterated, closed, used as a context manager."""

    def __init__(self, chunks, breaks_after=None):
        self._chunks = iter(chunks)
        self._left = breaks_after
        self.closed = False
        self.response = "the HTTP response"

    def __iter__(self):  # as OpenAI's: a generator, not the stream itself
        for chunk in self._chunks:
            self._count()
            yield chunk

    def __next__(self):
        chunk = next(self._chunks)
        self._count()
        return chunk

    def _count(self):
        if self._left == 0:
            raise BrokenStream("connection reset")
        if self._left is not None:
            self._left -= 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed = True


class AsyncStream:
    def __init__(self, chunks, breaks_after=None):
        self._stream = Stream(chunks, breaks_after)

    @property
    def closed(self):
        return self._stream.closed

    async def __aiter__(self):
        for chunk in self._stream:
            yield chunk

    async def __anext__(self):
        try:
            return next(self._stream)
        except StopIteration:
            raise StopAsyncIteration from None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def close(self):
        self._stream.close()


class MessageStream:
    """Anthropic's helper: events, or only their texts, or only the message that they make."""

    def __init__(self, recorded):
        self._recorded = recorded
        self._events = iter(recorded.chunks())
        self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._events)

    @property
    def text_stream(self):
        for event in self._events:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                yield event.delta.text

    @property
    def current_message_snapshot(self):
        return things(self._recorded.whole_message())

    def get_final_message(self):
        for _ in self._events:
            pass
        return self.current_message_snapshot

    def close(self):
        self.closed = True


class MessageStreamManager:
    def __init__(self, recorded, error=None):
        self._recorded, self._error = recorded, error

    def __enter__(self):
        if self._error:
            raise self._error
        self._stream = MessageStream(self._recorded)
        return self._stream

    def __exit__(self, *_):
        self._stream.close()


class AsyncMessageStream(MessageStream):
    __iter__ = __next__ = None

    def __aiter__(self):
        return self

    async def __anext__(self):
        for event in self._events:
            return event
        raise StopAsyncIteration

    @property
    async def text_stream(self):
        for event in self._events:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                yield event.delta.text


class AsyncMessageStreamManager:
    def __init__(self, recorded):
        self._recorded = recorded

    async def __aenter__(self):
        self._stream = AsyncMessageStream(self._recorded)
        return self._stream

    async def __aexit__(self, *_):
        self._stream.close()


class Method:
    """`create` of one API: gives the recorded answers one after the other, whole or in chunks."""

    def __init__(self, client, whole):
        self._client, self._whole = client, whole

    def create(self, **request):
        """Creates an answer."""
        return self._client.answer(self._whole, request)

    def stream(self, **request):
        recorded = self._client.take(request)
        return MessageStreamManager(recorded, self._client.error)

    parse = create


class AsyncMethod(Method):
    async def create(self, **request):
        return self._client.answer(self._whole, request)

    def stream(self, **request):
        return AsyncMessageStreamManager(self._client.take(request))


class StubClient:
    """Both vendors' shapes in one; `recorded` are the answers, in their order."""

    stream_type, method_type = Stream, Method

    def __init__(self, *recorded, error=None, breaks_after=None):
        self._recorded = list(recorded)
        self.error, self.breaks_after = error, breaks_after
        self.requests, self.streams = [], []
        self.timeout = 60
        self.chat = Thing(completions=self.method_type(self, Recorded.whole_completion))
        self.messages = self.method_type(self, Recorded.whole_message)
        self.responses = self.method_type(self, Recorded.whole_response)
        self.models = Thing(list=lambda: ["m-1"])

    def take(self, request):
        self.requests.append(request)
        return self._recorded.pop(0)

    def answer(self, whole, request):
        recorded = self.take(request)
        if self.error:
            raise self.error
        if request.get("stream"):
            self.streams.append(self.stream_type(recorded.chunks(), self.breaks_after))
            return self.streams[-1]
        return things(whole(recorded))

    def with_options(self, timeout):
        copy = type(self)(*self._recorded)
        copy.timeout = timeout
        return copy

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


class AsyncStubClient(StubClient):
    stream_type, method_type = AsyncStream, AsyncMethod
