// Wrapped clients of the model APIs' shapes, which answer with recorded exchanges.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as agdb from "../../tools/node/agdb.mjs";
import {
  exchangesOf,
  messageOf,
  readAll,
  readJson,
  streamingAnthropic,
  streamingOpenAI,
  StubAnthropic,
  StubApiPromise,
  StubOpenAI,
  StubStream,
} from "./cassettes.mjs";
import { FakeDaemon } from "./fake_daemon.mjs";

const completion = readJson("sessions/openai-chat/litellm-claude-sonnet-4-call-1.json");
const [weather] = exchangesOf("otel-openai-multiple-tools-stream");
const [thinker] = exchangesOf("pydantic-deepseek-thinking-stream");
const [pelican] = exchangesOf("llm-anthropic-stream-tool-calls");
const [street] = exchangesOf("pydantic-anthropic-thinking-stream");
const caching = exchangesOf("openllmetry-anthropic-prompt-caching-stream");
const search = exchangesOf("pydantic-anthropic-tool-search-stream");
const capital = exchangesOf("pydantic-openai-responses-phase");

const prompt = (body) => body.messages.map(({ content }) => content).join("");

/** Uses a client as an agent, and gives back the daemon when the agent has closed. */
async function toldBy(t, work) {
  const daemon = await FakeDaemon.start(t);
  const { internalErrors } = agdb.stats();
  const agent = agdb.register("x");
  await work(agent, daemon);
  await agent.close();
  assert.equal(agdb.stats().internalErrors, internalErrors);
  return daemon;
}

/** The answers told, without their times, which are checked. */
function answersOf(daemon) {
  return daemon
    .told("agent.response")
    .map(({ pid, duration_ns: duration, timestamp_ns: began, ...rest }) => {
      assert.equal(pid, 1);
      assert.ok(duration > 0 && began > 0);
      const { time_to_first_token: first, ...answer } = rest;
      assert.ok(first === undefined || (first > 0 && first <= duration));
      return { ...answer, hasFirstToken: first !== undefined };
    });
}

// OpenAI's form.

test("a completion in one piece", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(new StubOpenAI(() => completion.response));
    const answer = await client.chat.completions.create({
      model: "asked",
      messages: completion.messages,
    });
    assert.equal(answer, completion.response);
  });
  const [answer] = answersOf(daemon);
  const [call] = answer.tool_calls;
  assert.equal(answer.model, "litellm_proxy/claude-sonnet-4-20250514");
  assert.equal(
    answer.content,
    "I'll create a new Python file named `hello.py` that prints 'Hello, World!' for you.",
  );
  assert.equal(answer.stop_reason, "tool_calls");
  assert.deepEqual(
    [answer.request_tokens, answer.response_tokens, answer.cache_read_tokens],
    [4812, 146, 0],
  );
  assert.equal(answer.hasFirstToken, false);
  assert.equal(call.name, "str_replace_editor");
  assert.equal(call.arguments.path, "/workspace/hello.py");
  const context = daemon.contextOf(1);
  assert.match(context.system_prompt, /^You are/);
  assert.deepEqual(
    context.messages.map(({ role }) => role),
    ["user", "assistant"],
  );
  assert.deepEqual(context.messages[1].tool_calls, answer.tool_calls);
});

test("two tool calls at once come together from their pieces", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingOpenAI(weather.chunks));
    const stream = await client.chat.completions.create(weather.request);
    assert.ok(stream instanceof StubStream);
    assert.equal(stream.length, weather.chunks.length);
    assert.deepEqual(await readAll(stream), weather.chunks);
  });
  assert.deepEqual(answersOf(daemon), [
    {
      model: "gpt-4o-mini-2024-07-18",
      request_tokens: 75,
      response_tokens: 51,
      content: "",
      tool_calls: [
        {
          id: "call_fHCjJqt9Pysde6vcJcvbXGBx",
          name: "get_current_weather",
          arguments: { location: "Seattle, WA" },
        },
        {
          id: daemon.told("agent.response")[0].tool_calls[1].id,
          name: "get_current_weather",
          arguments: { location: "San Francisco, CA" },
        },
      ],
      stop_reason: "tool_calls",
      cache_read_tokens: 0,
      hasFirstToken: true,
    },
  ]);
  const context = daemon.contextOf(1);
  assert.equal(context.system_prompt, "You're a helpful assistant.");
  assert.equal(
    context.messages[0].content,
    "What's the weather in Seattle and San Francisco today?",
  );
});

test("thinking is no content, but it is the first token", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingOpenAI(thinker.chunks));
    await readAll(await client.chat.completions.create(thinker.request));
  });
  const [answer] = answersOf(daemon);
  assert.equal(
    answer.content,
    thinker.chunks.map(({ choices }) => choices[0].delta.content ?? "").join(""),
  );
  assert.ok(answer.content.length > 0);
  assert.equal(answer.stop_reason, "stop");
  assert.deepEqual([answer.request_tokens, answer.response_tokens], [6, 212]);
  assert.equal(answer.hasFirstToken, true);
});

test("thinking is told before its answer", async (t) => {
  const daemon = await toldBy(t, async () => {
    await readAll(
      await agdb.wrap(streamingOpenAI(thinker.chunks)).chat.completions.create(thinker.request),
    );
    await readAll(
      await agdb.wrap(streamingAnthropic(street.chunks)).messages.create(street.request),
    );
  });
  const [first, second] = daemon.told("agent.call");
  const [thinking] = messageOf(street.chunks).content;
  assert.equal(first.name, "DriverThinking");
  assert.match(first.args.content, /^H/);
  assert.equal(second.args.content, thinking.thinking);
  assert.ok(second.args.content.length > 100 && second.args.signature.length > 100);
  const methods = daemon.messages.map(({ method }) => method);
  assert.ok(methods.indexOf("agent.call") < methods.indexOf("agent.response"));
});

test("tokens that nobody counted are estimated", async (t) => {
  const chunks = weather.chunks.map((chunk) => ({ ...chunk, usage: null }));
  const daemon = await toldBy(t, async () => {
    await readAll(
      await agdb.wrap(streamingOpenAI(chunks)).chat.completions.create(weather.request),
    );
  });
  const [answer] = answersOf(daemon);
  assert.equal(answer.request_tokens, Math.ceil(prompt(weather.request).length / 3.5));
  assert.ok(answer.response_tokens > 10);
});

test("of several choices the first is told", async (t) => {
  const choice = (index, content, reason) => ({ index, delta: { content }, finish_reason: reason });
  const chunks = [
    { model: "m", choices: [choice(1, "no", null)] },
    { model: "m", choices: [choice(0, "ye", null), choice(1, "pe", "length")] },
    { model: "m", choices: [choice(0, "s", "stop")] },
  ];
  const daemon = await toldBy(t, async () => {
    await readAll(
      await agdb.wrap(streamingOpenAI(chunks)).chat.completions.create(weather.request),
    );
  });
  const [{ content, stop_reason: reason }] = answersOf(daemon);
  assert.deepEqual([content, reason], ["yes", "stop"]);
});

// Anthropic's form.

test("a message in one piece", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(new StubAnthropic(() => messageOf(search[0].chunks)));
    assert.equal((await client.messages.create(search[0].request)).role, "assistant");
  });
  const [answer] = answersOf(daemon);
  assert.match(answer.content, /^Let me search for a tool .*\nI found the right tool!/s);
  assert.deepEqual(
    answer.tool_calls.map(({ name, arguments: args }) => [name, args]),
    [["get_exchange_rate", { from_currency: "USD", to_currency: "EUR" }]],
  );
  assert.equal(answer.stop_reason, "tool_use");
  assert.equal(answer.model, "claude-sonnet-4-6");
});

test("a call of a tool without arguments", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingAnthropic(pelican.chunks));
    assert.deepEqual(await readAll(await client.messages.create(pelican.request)), pelican.chunks);
  });
  assert.deepEqual(answersOf(daemon), [
    {
      model: "claude-haiku-4-5-20251001",
      request_tokens: 543,
      response_tokens: 40,
      content: "",
      tool_calls: [
        { id: "toolu_01CzN6riCPqw4pVSuTd9Dwn7", name: "pelican_name_generator", arguments: {} },
      ],
      stop_reason: "tool_use",
      cache_read_tokens: 0,
      cache_creation_tokens: 0,
      hasFirstToken: true,
    },
  ]);
  assert.deepEqual(daemon.contextOf(1).messages[0], {
    role: "user",
    content: "Generate one name for a pet pelican",
  });
});

test("a streamed answer is told like the same in one piece", async (t) => {
  for (const { chunks, request } of [pelican, street, ...caching, ...search]) {
    const daemon = await toldBy(t, async () => {
      await readAll(await agdb.wrap(streamingAnthropic(chunks)).messages.create(request));
      await agdb.wrap(new StubAnthropic(() => messageOf(chunks))).messages.create(request);
    });
    const [streamed, whole] = answersOf(daemon);
    assert.deepEqual({ ...streamed, hasFirstToken: false }, whole);
    assert.ok(streamed.content || streamed.tool_calls.length > 0);
  }
});

test("tokens of the prompt cache are part of the request's", async (t) => {
  const daemon = await toldBy(t, async () => {
    for (const { chunks, request } of caching)
      await readAll(await agdb.wrap(streamingAnthropic(chunks)).messages.create(request));
  });
  assert.deepEqual(
    answersOf(daemon).map((a) => [
      a.request_tokens,
      a.cache_read_tokens,
      a.cache_creation_tokens,
      a.response_tokens,
    ]),
    [
      [1169, 0, 1165, 201],
      [1169, 1165, 0, 221],
    ],
  );
});

test("the answer, its tool's result and the next request are one context that grows", async (t) => {
  const daemon = await toldBy(t, async () => {
    for (const { chunks, request } of search)
      await readAll(await agdb.wrap(streamingAnthropic(chunks)).messages.create(request));
  });
  const told = daemon
    .told("agent.context")
    .map(({ keep, messages }) => [keep, messages.map(({ role }) => role)]);
  assert.deepEqual(told[0], [undefined, ["user"]]);
  assert.deepEqual(told[1], [1, ["assistant"]]);
  assert.deepEqual(told[2].at(-1).at(-1), "tool");
  assert.deepEqual(told[3], [3, ["assistant"]]);
  const { messages } = daemon.contextOf(1);
  assert.deepEqual(messages[2], {
    role: "tool",
    content: "1 USD = 0.92 EUR",
    tool_call_id: "toolu_01EFn5wTNBYA8Reni8rbmnHT",
  });
});

test("messages.stream is told, and stays what it is", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingAnthropic(street.chunks));
    const events = [];
    const stream = client.messages
      .stream(street.request)
      .on("streamEvent", (event) => events.push(event));
    const message = await stream.finalMessage();
    assert.equal(message.stop_reason, "end_turn");
    assert.deepEqual(events, street.chunks);
  });
  const [answer] = answersOf(daemon);
  assert.equal(answer.content, messageOf(street.chunks).content.at(-1).text);
  assert.equal(answer.stop_reason, "end_turn");
  assert.equal(answer.hasFirstToken, true);
});

test("messages.stream that fails or is aborted", async (t) => {
  const daemon = await toldBy(t, async () => {
    const failing = agdb.wrap(
      streamingAnthropic(street.chunks.slice(0, 9), new Error("overloaded")),
    );
    await assert.rejects(failing.messages.stream(street.request).finalMessage(), /overloaded/);
    const stream = agdb.wrap(streamingAnthropic(street.chunks)).messages.stream(street.request);
    stream.abort();
    await stream.finalMessage();
  });
  const [failed, aborted] = answersOf(daemon);
  assert.equal(failed.error, "the stream failed");
  assert.equal(aborted.stop_reason, "aborted");
});

// OpenAI's responses.

const streamingResponses = (chunks) => ({
  responses: { create: async () => new StubStream(chunks) },
});

/** The last event of such a stream carries the response in one piece. */
const responseOf = (chunks) => chunks.at(-1).response;

test("a response and its stream are told alike", async (t) => {
  for (const { chunks, request } of capital) {
    const daemon = await toldBy(t, async () => {
      const stream = await agdb.wrap(streamingResponses(chunks)).responses.create(request);
      assert.deepEqual(await readAll(stream), chunks);
      const whole = { responses: { create: async () => responseOf(chunks) } };
      await agdb.wrap(whole).responses.create(request);
    });
    const [streamed, whole] = answersOf(daemon);
    assert.equal(streamed.hasFirstToken, true);
    assert.deepEqual({ ...streamed, hasFirstToken: false }, whole);
    assert.equal(whole.stop_reason, "completed");
  }
});

test("items of responses are one context that grows", async (t) => {
  const daemon = await toldBy(t, async () => {
    for (const { chunks, request } of capital)
      await readAll(await agdb.wrap(streamingResponses(chunks)).responses.create(request));
  });
  const [first, second] = answersOf(daemon);
  assert.equal(first.content, "I’ll check the capital lookup tool for “PotatoLand.”");
  assert.deepEqual(first.tool_calls, [
    {
      id: "call_LabG58Uhrq9kZvR52BYKjToD",
      name: "get_capital",
      arguments: { country: "PotatoLand" },
    },
  ]);
  assert.deepEqual(
    [first.request_tokens, first.response_tokens, first.cache_read_tokens],
    [63, 69, 0],
  );
  assert.equal(second.content, "The capital of PotatoLand is **Potato City**.");
  const { system_prompt: prompt, messages } = daemon.contextOf(1);
  assert.match(prompt, /^Briefly narrate/);
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["user", "assistant", "tool", "assistant"],
  );
  // The recorded request quotes the answer with other quotation marks than the answer has.
  assert.deepEqual(
    daemon.told("agent.context").map(({ keep }) => keep),
    [undefined, 1, 1, 3],
  );
  assert.equal(daemon.told("agent.tool")[0].name, "get_capital");
});

test("a response that is left in the middle is told as far as it was read", async (t) => {
  const { chunks, request } = capital[0];
  const isCall = ({ type }) => type === "response.function_call_arguments.delta";
  const daemon = await toldBy(t, async () => {
    const stream = await agdb.wrap(streamingResponses(chunks)).responses.create(request);
    for await (const event of stream) if (isCall(event)) break;
  });
  const [answer] = answersOf(daemon);
  assert.equal(answer.content, "I’ll check the capital lookup tool for “PotatoLand.”");
  assert.deepEqual(
    answer.tool_calls.map(({ name, arguments: args }) => [name, args]),
    [["get_capital", '{"']],
  );
  assert.equal(answer.stop_reason, "aborted");
  assert.equal(answer.model, "gpt-5.5-2026-04-23");
});

test("a response that failed says why", async (t) => {
  const failed = {
    object: "response",
    status: "failed",
    model: "m",
    output: [],
    error: { message: "too busy" },
  };
  const cut = {
    object: "response",
    status: "incomplete",
    model: "m",
    output: [],
    incomplete_details: { reason: "max_output_tokens" },
  };
  const daemon = await toldBy(t, async () => {
    for (const answer of [failed, cut])
      await agdb
        .wrap({ responses: { create: async () => answer } })
        .responses.create({ input: "hi" });
    await readAll(
      await agdb
        .wrap(streamingResponses([{ type: "error", message: "gone" }]))
        .responses.create({ input: "hi" }),
    );
  });
  assert.deepEqual(
    answersOf(daemon).map(({ error, stop_reason: reason }) => error ?? reason),
    ["too busy", "max_output_tokens", "gone"],
  );
  assert.deepEqual(daemon.contextOf(1).messages, [{ role: "user", content: "hi" }]);
});

// Results of tools.

test("a tool's result that the next request carries is a call of the tool", async (t) => {
  const daemon = await toldBy(t, async () => {
    for (const { chunks, request } of search)
      await readAll(await agdb.wrap(streamingAnthropic(chunks)).messages.create(request));
    await readAll(
      await agdb.wrap(streamingAnthropic(search[1].chunks)).messages.create(search[1].request),
    );
  });
  const [{ timestamp_ns: began, duration_ns: duration, ...tool }, ...others] =
    daemon.told("agent.tool");
  assert.deepEqual(tool, {
    pid: 1,
    name: "get_exchange_rate",
    args: { from_currency: "USD", to_currency: "EUR" },
    result: "1 USD = 0.92 EUR",
  });
  assert.ok(began > 0 && duration > 0);
  assert.deepEqual(others, []);
});

test("a tool that was told by itself is not told again, an error is one", async (t) => {
  const call = (id, name) => ({ id, type: "function", function: { name, arguments: "{}" } });
  const answer = {
    choices: [{ message: { content: null, tool_calls: [call("1", "own"), call("2", "other")] } }],
  };
  const result = { type: "tool_result", content: "no such table", is_error: true };
  const daemon = await toldBy(t, async (agent) => {
    const client = agdb.wrap(new StubOpenAI(() => answer));
    await client.chat.completions.create({ messages: [{ role: "user", content: "go" }] });
    agent.tool(() => "mine", { name: "own" })();
    const content = [
      { type: "tool_result", tool_use_id: "1", content: "mine" },
      { ...result, tool_use_id: "2" },
      { ...result, tool_use_id: "3" },
    ];
    await client.chat.completions.create({
      messages: [
        { role: "assistant", content: "" },
        { role: "user", content },
      ],
    });
  });
  const told = daemon.told("agent.tool").map(({ name, result, error }) => [name, result, error]);
  assert.deepEqual(told, [
    ["own", "mine", undefined],
    ["other", undefined, "no such table"],
  ]);
});

// Streams that do not end well.

test("a stream that is left in the middle is told as far as it was read", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingAnthropic(caching[0].chunks));
    const stream = await client.messages.create(caching[0].request);
    let count = 0;
    for await (const chunk of stream) if (chunk.delta?.text && ++count === 2) break;
    assert.equal(stream.wasReturned, true);
  });
  const [answer] = answersOf(daemon);
  const [first, second] = caching[0].chunks.filter(({ delta }) => delta?.text);
  assert.equal(answer.content, first.delta.text + second.delta.text);
  assert.equal(answer.stop_reason, "aborted");
  assert.equal(answer.request_tokens, 1169);
});

test("an aborted stream ends early", async (t) => {
  const daemon = await toldBy(t, async () => {
    const stream = await agdb
      .wrap(streamingOpenAI(thinker.chunks))
      .chat.completions.create(thinker.request);
    for await (const _ of stream) stream.controller.abort();
  });
  assert.equal(answersOf(daemon)[0].stop_reason, "aborted");
});

test("an error in a stream is told with what came before, and goes on", async (t) => {
  const broken = new Error("connection reset");
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingAnthropic(caching[0].chunks.slice(0, 5), broken));
    const stream = await client.messages.create(caching[0].request);
    await assert.rejects(readAll(stream), (error) => error === broken);
  });
  const [answer] = answersOf(daemon);
  assert.equal(answer.error, "Error: connection reset");
  assert.ok(answer.content.length > 0);
});

test("both halves of a stream can be read; it is told once", async (t) => {
  const daemon = await toldBy(t, async () => {
    const stream = await agdb
      .wrap(streamingOpenAI(weather.chunks))
      .chat.completions.create(weather.request);
    const halves = await Promise.all(stream.tee().map(readAll));
    assert.deepEqual(halves, [weather.chunks, weather.chunks]);
  });
  assert.equal(answersOf(daemon).length, 1);
  assert.equal(answersOf(daemon)[0].tool_calls.length, 2);
});

// Requests that fail.

test("an error of the request is told, and goes on", async (t) => {
  const broken = new Error("429 rate limit");
  const daemon = await toldBy(t, async () => {
    const later = agdb.wrap(
      new StubOpenAI(() => {
        throw broken;
      }),
    );
    await assert.rejects(
      async () => later.chat.completions.create(weather.request),
      (error) => error === broken,
    );
    const now = agdb.wrap({
      messages: {
        create() {
          throw broken;
        },
      },
    });
    assert.throws(
      () => now.messages.create(pelican.request),
      (error) => error === broken,
    );
  });
  assert.deepEqual(
    answersOf(daemon).map(({ error, request_tokens: tokens }) => [error, tokens]),
    [
      ["Error: 429 rate limit", undefined],
      ["Error: 429 rate limit", undefined],
    ],
  );
});

test("answers of unknown shapes are passed on as they are", async (t) => {
  for (const strange of [
    undefined,
    null,
    5,
    "text",
    [],
    {},
    { choices: 7 },
    { type: "message", content: 7 },
  ]) {
    const daemon = await FakeDaemon.start(t);
    const agent = agdb.register("x");
    const openai = agdb.wrap(new StubOpenAI(() => strange));
    const anthropic = agdb.wrap({ messages: { create: () => strange } });
    assert.equal(await openai.chat.completions.create(), strange);
    assert.equal(anthropic.messages.create({ messages: 3 }), strange);
    await agent.close();
    assert.equal(daemon.of("agent.response").length, 2);
  }
});

// The promise of an API's library.

test("a promise that is more keeps its methods", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(streamingOpenAI(weather.chunks));
    const promise = client.chat.completions.create(weather.request);
    assert.ok(promise instanceof StubApiPromise);
    const { data, response, request_id: id } = await promise.withResponse();
    assert.deepEqual([response.status, id], [200, "req_1"]);
    assert.equal((await readAll(data)).length, weather.chunks.length);
    assert.equal(await promise, data);
    assert.equal(await promise.parse(), data);
  });
  assert.equal(answersOf(daemon)[0].stop_reason, "tool_calls");
});

test("an answer that is only taken as bytes is known to be one", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(new StubOpenAI(() => completion.response));
    assert.equal((await client.chat.completions.create(weather.request).asResponse()).status, 200);
  });
  assert.equal(answersOf(daemon)[0].stop_reason, "unread");
});

test("catch and finally work, and one answer is told once", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(
      new StubOpenAI(() => {
        throw new Error("no");
      }),
    );
    const promise = client.chat.completions.create(weather.request);
    let ends = 0;
    assert.equal(await promise.catch(() => "caught"), "caught");
    await promise.finally(() => ++ends).catch(() => {});
    await promise.then(null, () => {});
    assert.equal(ends, 1);
  });
  assert.equal(answersOf(daemon).length, 1);
});

// The client.

test("a wrapped client is the client", async (t) => {
  await FakeDaemon.start(t);
  const client = new StubOpenAI(() => completion.response);
  const wrapped = agdb.wrap(client);
  assert.ok(wrapped instanceof StubOpenAI);
  assert.equal(wrapped.chat, wrapped.chat);
  assert.equal(wrapped.chat.completions.create, wrapped.chat.completions.create);
  assert.equal(wrapped.hasKey(), true);
  assert.equal(wrapped.models, client.models);
  assert.deepEqual(Object.keys(wrapped), Object.keys(client));
  wrapped.apiKey = "other";
  assert.equal(client.apiKey, "other");
  assert.equal(agdb.wrap(wrapped), wrapped);
  assert.equal(agdb.wrap(new StubAnthropic()).messages.countTokens().input_tokens, 7);
  const frozen = Object.freeze({ chat: Object.freeze({}) });
  assert.equal(agdb.wrap(frozen).chat, frozen.chat);
});

test("a client made from a wrapped one is wrapped, and so are beta's messages", async (t) => {
  const daemon = await toldBy(t, async () => {
    const client = agdb.wrap(new StubOpenAI(() => completion.response));
    await client.withOptions({ timeout: 5 }).chat.completions.create(weather.request);
    await readAll(
      await agdb.wrap(streamingAnthropic(pelican.chunks)).beta.messages.create(pelican.request),
    );
  });
  assert.equal(answersOf(daemon).length, 2);
});

test("a client tells the agent that it was given, or that runs, or the newest", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const [first, second] = [agdb.register("first"), agdb.register("second")];
  const child = second.child("child");
  await Promise.all([first, second, child].map((agent) => agent.gate()));
  const free = agdb.wrap(new StubOpenAI(() => completion.response));
  const bound = agdb.wrap(new StubOpenAI(() => completion.response), { agent: first, ctxId: 2 });
  const ask = (client) => client.chat.completions.create({ model: "m", messages: [] });
  await ask(free);
  await ask(bound);
  await child.run(() => ask(free));
  await first.call("Ask", {}, async () => ask(free));
  await child.tool(async () => ask(free))();
  await Promise.all(
    [first, child].map((agent) =>
      agent.run(async () => {
        await null;
        await ask(free);
      }),
    ),
  );
  await second.close();
  await ask(free);
  await Promise.all([first.close(), child.close()]);
  await ask(free);
  assert.deepEqual(
    daemon.told("agent.response").map(({ pid }) => pid),
    [2, 1, 3, 1, 3, 1, 3, 1],
  );
  assert.equal(daemon.told("agent.context").filter(({ ctx_id: id }) => id === 2).length, 2);
});

test("without an agent a wrapped client only passes on", async () => {
  const client = agdb.wrap(streamingOpenAI(weather.chunks));
  const stream = await client.chat.completions.create(weather.request);
  assert.deepEqual(await readAll(stream), weather.chunks);
});

test("many streams at once are told apart", async (t) => {
  const daemon = await toldBy(t, async () => {
    const clients = caching.flatMap(({ chunks }) =>
      Array.from({ length: 10 }, () => agdb.wrap(streamingAnthropic(chunks))),
    );
    await Promise.all(
      clients.map(async (client) => readAll(await client.messages.create(caching[0].request))),
    );
  });
  const lengths = answersOf(daemon).map(({ content }) => content.length);
  const expected = caching.flatMap(({ chunks }) =>
    Array(10).fill(messageOf(chunks).content[0].text.length),
  );
  assert.deepEqual(lengths.sort(), expected.sort());
});

// Messages.

test("messages of both forms become text, calls and results", async (t) => {
  const image = { type: "base64", media_type: "image/png", data: "AAAA" };
  const daemon = await toldBy(t, (agent) => {
    agent.context([
      "as it is",
      {
        role: "user",
        content: [
          { type: "text", text: "see" },
          { type: "image", source: image },
        ],
      },
      {
        role: "user",
        content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAA=" } }],
      },
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "https://a.example/b.png" } },
          { type: "input_audio" },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "ls", arguments: "{bad" } }],
      },
      { role: "tool", tool_call_id: "c1", content: "a.md" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm" },
          { type: "text", text: "so" },
          { type: "tool_use", id: "t1", name: "rm", input: { p: 1 } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "gone" }] },
          { type: "text", text: "go on" },
        ],
      },
      { role: "assistant", content: "", function_call: { name: "old", arguments: "{}" } },
      { role: "user", name: "ann", content: "bye" },
    ]);
  });
  assert.deepEqual(daemon.contextOf(1).messages, [
    { role: "user", content: "as it is" },
    { role: "user", content: "see\n[image image/png, 3 bytes]" },
    { role: "user", content: "[image image/png, 2 bytes]" },
    { role: "user", content: "[image https://a.example/b.png]\n[input_audio block]" },
    { role: "assistant", content: "", tool_calls: [{ id: "c1", name: "ls", arguments: "{bad" }] },
    { role: "tool", content: "a.md", tool_call_id: "c1" },
    {
      role: "assistant",
      content: "so",
      tool_calls: [{ id: "t1", name: "rm", arguments: { p: 1 } }],
    },
    { role: "tool", content: "gone", tool_call_id: "t1" },
    { role: "user", content: "go on" },
    { role: "assistant", content: "", tool_calls: [{ id: "", name: "old", arguments: {} }] },
    { role: "user", content: "bye", name: "ann" },
  ]);
});
