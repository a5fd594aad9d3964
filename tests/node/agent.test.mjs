// What an agent tells the daemon.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as agdb from "../../tools/node/agdb.mjs";
import { FakeDaemon } from "./fake_daemon.mjs";

/** A daemon, an agent, and what was told by it: closed, so that all has arrived. */
async function toldBy(t, work, options) {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("tidy the docs", options);
  await work(agent, daemon);
  await agent.close();
  return daemon;
}

test("an agent registers, and closes", async (t) => {
  const daemon = await toldBy(t, () => {}, {
    model: "m-1",
    budget: 50000,
    policy: "pause",
    maxSteps: 9,
    parent: 4,
    record: true,
  });
  const [register, close] = daemon.messages;
  assert.equal(register.method, "agent.register");
  assert.match(register.params.client, /^agdb\.mjs /);
  delete register.params.client;
  assert.deepEqual(register.params, {
    intent: "tidy the docs",
    model: "m-1",
    budget: 50000,
    policy: "pause",
    max_steps: 9,
    parent: 4,
    protocol: 1,
    record: true,
  });
  assert.equal(close.method, "agent.close");
  assert.deepEqual(close.params, { pid: 1, reason: "completed", exit_code: 0 });
  assert.equal(daemon.messages.length, 2);
});

test("the pid and the record's id are the daemon's", async (t) => {
  await toldBy(t, async (agent, daemon) => {
    daemon.answers["agent.register"] = () => ({ pid: 41, record_id: "r-1", version: "0.1.0" });
    assert.equal(agent.pid, 0);
    await agent.gate();
    assert.equal(agent.pid, 41);
    assert.equal(agent.recordId, "r-1");
  });
});

test("a trace is continued and handed on", async (t) => {
  const outer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const own = outer.replace("b7", "c8");
  const daemon = await toldBy(t, async (agent, daemon) => {
    daemon.answers["agent.register"] = () => ({ pid: 41, record_id: "", traceparent: own });
    const asked = agdb.register("asked by a server", { traceparent: outer });
    assert.equal(asked.traceparent, "");
    await asked.gate();
    assert.equal(asked.traceparent, own);
    await asked.close();
  });
  assert.equal(daemon.told("agent.register").at(-1).traceparent, outer);
});

test("a wrong traceparent costs the place in the trace only", async (t) => {
  const daemon = await toldBy(t, async () => {
    for (const traceparent of ["00-zz", 5, {}, "x".repeat(10000)]) {
      const agent = agdb.register("tidy", { traceparent });
      await agent.close();
    }
  });
  for (const params of daemon.told("agent.register")) assert.ok(!("traceparent" in params));
});

test("a call of a function is told as a whole when it has returned", async (t) => {
  const daemon = await toldBy(t, (agent) => {
    const files = agent.call("ReadDocs", { path: "docs/" }, () => ({ files: 3 }));
    assert.deepEqual(files, { files: 3 });
  });
  const [call] = daemon.told("agent.call");
  assert.equal(call.name, "ReadDocs");
  assert.deepEqual(call.args, { path: "docs/" });
  assert.deepEqual(call.result, { files: 3 });
  assert.ok(call.duration_ns >= 0 && call.timestamp_ns > 0);
  assert.ok(!("error" in call));
});

test("a call that takes its time has a beginning and an end", async (t) => {
  const daemon = await toldBy(t, async (agent, daemon) => {
    let finish;
    const files = agent.call(
      "ReadDocs",
      { path: "docs/" },
      () => new Promise((resolve) => (finish = resolve)),
    );
    await daemon.until(() => daemon.of("agent.begin").length === 1);
    assert.equal(daemon.of("agent.end").length, 0);
    finish(["a.md"]);
    assert.deepEqual(await files, ["a.md"]);
  });
  const [begin] = daemon.told("agent.begin");
  const [end] = daemon.told("agent.end");
  assert.deepEqual(
    { ...begin, timestamp_ns: 0 },
    { pid: 1, call: 1, name: "ReadDocs", args: { path: "docs/" }, timestamp_ns: 0 },
  );
  assert.deepEqual(
    { ...end, timestamp_ns: 0 },
    { pid: 1, call: 1, result: ["a.md"], timestamp_ns: 0 },
  );
  assert.ok(end.timestamp_ns >= begin.timestamp_ns);
});

test("what a function throws is the call's error, and goes on", async (t) => {
  const broken = new RangeError("line 3: too long");
  const daemon = await toldBy(t, async (agent) => {
    assert.throws(
      () =>
        agent.call("Lint", {}, () => {
          throw broken;
        }),
      (error) => error === broken,
    );
    await assert.rejects(
      agent.call("Lint", {}, async () => {
        throw broken;
      }),
      (error) => error === broken,
    );
    assert.throws(() =>
      agent.call("Lint", {}, () => {
        throw undefined;
      }),
    );
  });
  assert.deepEqual(
    daemon.told("agent.call").map(({ error }) => error),
    ["RangeError: line 3: too long", "unknown error"],
  );
  assert.equal(daemon.told("agent.end")[0].error, "RangeError: line 3: too long");
});

test("arguments are told as they were when the call began", async (t) => {
  const daemon = await toldBy(t, async (agent) => {
    const args = { names: ["a"] };
    agent.call("Change", args, () => args.names.push("b"));
    const begun = agent.begin("Change", args);
    args.names.length = 0;
    agent.end(begun, { result: true });
  });
  assert.deepEqual(daemon.told("agent.call")[0].args, { names: ["a"] });
  assert.deepEqual(daemon.told("agent.begin")[0].args, { names: ["a", "b"] });
});

test("calls at the same time have numbers of their own", async (t) => {
  const daemon = await toldBy(t, async (agent) => {
    const first = agent.begin("A", {});
    const second = agent.begin("B", {});
    agent.end(first, { result: 1 });
    agent.end(second, { error: new Error("no") });
  });
  assert.deepEqual(
    daemon.told("agent.begin").map(({ call, name }) => [call, name]),
    [
      [1, "A"],
      [2, "B"],
    ],
  );
  assert.deepEqual(
    daemon.told("agent.end").map(({ call, result, error }) => [call, result ?? error]),
    [
      [1, 1],
      [2, "Error: no"],
    ],
  );
});

test("a tool is the function, and its calls are told", async (t) => {
  const daemon = await toldBy(t, async (agent) => {
    function join(a, b) {
      return this.prefix + a + b;
    }
    join.schema = { type: "object" };
    const tool = agent.tool(join);
    assert.equal(tool.name, "join");
    assert.equal(tool.length, 2);
    assert.equal(tool.schema, join.schema);
    assert.equal(tool.call({ prefix: ">" }, "a", "b"), ">ab");
    const search = agent.tool(async ({ query }) => ({ hits: [query] }), { name: "search" });
    assert.deepEqual(await search({ query: "x" }), { hits: ["x"] });
    const broken = agent.tool(() => Promise.reject(new Error("no index")), { name: "broken" });
    await assert.rejects(broken(), /no index/);
  });
  assert.deepEqual(
    daemon
      .told("agent.tool")
      .map(({ name, args, result, error }) => ({ name, args, result, error })),
    [
      { name: "join", args: { args: ["a", "b"] }, result: ">ab", error: undefined },
      { name: "search", args: { query: "x" }, result: '{"hits":["x"]}', error: undefined },
      { name: "broken", args: {}, result: undefined, error: "Error: no index" },
    ],
  );
});

test("a model's answer has the protocol's names", async (t) => {
  const daemon = await toldBy(t, (agent) => {
    agent.response({
      model: "m-1",
      requestTokens: 120,
      responseTokens: 30,
      content: "Done.",
      toolCalls: [{ id: "c1", name: "ls", arguments: { path: "." } }],
      stopReason: "end_turn",
      cacheReadTokens: 100,
      cacheCreationTokens: 7,
      timeToFirstTokenNs: 5,
      costUsd: 0.25,
      durationNs: 900,
      timestampNs: 3,
    });
    agent.response({ error: new Error("overloaded"), requestTokens: Number.NaN });
  });
  const [whole, failed] = daemon.told("agent.response");
  assert.deepEqual(whole, {
    pid: 1,
    model: "m-1",
    request_tokens: 120,
    response_tokens: 30,
    content: "Done.",
    tool_calls: [{ id: "c1", name: "ls", arguments: { path: "." } }],
    stop_reason: "end_turn",
    cache_read_tokens: 100,
    cache_creation_tokens: 7,
    time_to_first_token: 5,
    cost_usd: 0.25,
    duration_ns: 900,
    timestamp_ns: 3,
  });
  assert.deepEqual(failed, { pid: 1, error: "Error: overloaded" });
});

test("of a context only what is new is told", async (t) => {
  const say = (content) => ({ role: "user", content });
  const daemon = await toldBy(t, (agent) => {
    agent.context([say("a")], { systemPrompt: "Be brief." });
    agent.context([say("a"), say("b")]);
    agent.context([say("a"), say("b")]);
    agent.context([say("a"), say("c")], { systemPrompt: "Be long." });
    agent.context([say("d")], { keep: 1 });
    agent.context([say("z")], { ctxId: 2 });
  });
  const told = daemon
    .told("agent.context")
    .map(({ keep, messages, system_prompt: prompt }) => [
      keep,
      messages.map(({ content }) => content),
      prompt,
    ]);
  assert.deepEqual(told, [
    [undefined, ["a"], "Be brief."],
    [1, ["b"], "Be brief."],
    [1, ["c"], "Be long."],
    [1, ["d"], "Be long."],
    [undefined, ["z"], undefined],
  ]);
  assert.deepEqual(
    daemon.contextOf(1).messages.map(({ content }) => content),
    ["a", "d"],
  );
});

test("the system messages at the beginning are the prompt", async (t) => {
  const daemon = await toldBy(t, (agent) => {
    const messages = ["system", "developer", "user", "system"].map((role) => ({
      role,
      content: role,
    }));
    agent.context(messages);
    agent.context(messages, { systemPrompt: "another", ctxId: 2 });
  });
  assert.equal(daemon.contextOf(1).system_prompt, "system\ndeveloper");
  assert.deepEqual(
    daemon.contextOf(1).messages.map(({ role }) => role),
    ["user", "system"],
  );
  assert.equal(daemon.contextOf(1, 2).system_prompt, "another");
});

test("after a rejection contexts are told as a whole again", async (t) => {
  const daemon = await toldBy(t, async (agent, daemon) => {
    agent.context([{ role: "user", content: "a" }]);
    daemon.answers["agent.gate"] = () => ({ go: true, rejected: 1 });
    await agent.gate();
    assert.equal(agent.stats().rejected, 1);
    agent.context([
      { role: "user", content: "a" },
      { role: "user", content: "b" },
    ]);
  });
  assert.deepEqual(
    daemon.told("agent.context").map(({ keep, messages }) => [keep, messages.length]),
    [
      [undefined, 1],
      [undefined, 2],
    ],
  );
});

test("a gate passes on what the daemon says", async (t) => {
  await toldBy(t, async (agent, daemon) => {
    assert.deepEqual(await agent.gate(), { go: true, reason: "" });
    daemon.answers["agent.gate"] = () => ({ go: false, reason: "budget_exceeded" });
    assert.deepEqual(await agent.gate(), { go: false, reason: "budget_exceeded" });
    daemon.answers["agent.gate"] = () => new Error("no process with pid 1");
    assert.deepEqual(await agent.gate(), { go: true, reason: "no process with pid 1" });
  });
});

test("a gate waits while the agent is paused, if it is to", async (t) => {
  const suspended = { go: false, reason: "suspended" };
  const daemon = await toldBy(t, async (agent, daemon) => {
    let resume;
    const resumed = new Promise((resolve) => (resume = resolve));
    daemon.answers["agent.gate"] = ({ wait }) => (wait ? resumed : suspended);
    assert.deepEqual(await agent.gate({ wait: false }), suspended);
    const limited = await agent.gate({ timeoutMs: 1 });
    assert.ok(["suspended", "no daemon"].includes(limited.reason));
    const gate = agent.gate();
    await daemon.until(() => daemon.told("agent.gate").at(-1).wait);
    resume({ go: true });
    assert.deepEqual(await gate, { go: true, reason: "" });
  });
  assert.deepEqual(daemon.told("agent.gate")[0], { pid: 1, wait: false });
});

test("a daemon that does not answer forbids nothing", async (t) => {
  await toldBy(t, async (agent, daemon) => {
    daemon.answers["agent.gate"] = () => undefined;
    assert.deepEqual(await agent.gate({ timeoutMs: 1 }), { go: true, reason: "no daemon" });
  });
});

test("a child has its parent's pid, even before that is known", async (t) => {
  const daemon = await toldBy(t, async (agent) => {
    const child = agent.child("look for dead links", { model: "m-2" });
    child.call("Fetch", {}, () => 1);
    await child.close("no network", { exitCode: 3 });
    assert.equal(child.pid, 2);
  });
  const [, child] = daemon.told("agent.register");
  assert.equal(child.parent, 1);
  assert.equal(child.model, "m-2");
  assert.equal(daemon.told("agent.call")[0].pid, 2);
  assert.deepEqual(daemon.told("agent.close"), [
    { pid: 2, reason: "no network", exit_code: 3 },
    { pid: 1, reason: "completed", exit_code: 0 },
  ]);
});

test("a reason other than completed is no success", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  await agent.close("no such file");
  const other = agdb.register("y");
  await other.close("killed", { exitCode: -1 });
  assert.deepEqual(
    daemon.told("agent.close").map(({ exit_code: code }) => code),
    [1, 255],
  );
});

test("what the daemon rejects of one agent makes it doubt the contexts of all", async (t) => {
  const daemon = await toldBy(t, async (agent, daemon) => {
    const child = agent.child("y");
    child.context(["a"]);
    daemon.answers["agent.gate"] = () => ({ go: true, rejected: 2 });
    await agent.gate();
    child.context(["a", "b"]);
    await child.close();
    assert.equal(child.stats().rejected, 2);
  });
  assert.deepEqual(
    daemon.told("agent.context").map(({ keep }) => keep),
    [undefined, undefined],
  );
});

test("closing twice is closing once, and nothing is told afterwards", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  await Promise.all([agent.close(), agent.close()]);
  agent.call("Late", {}, () => 1);
  await agent.close();
  await daemon.until(() => daemon.connections === 0);
  assert.equal(daemon.of("agent.close").length, 1);
  assert.equal(daemon.of("agent.call").length, 0);
  assert.equal(agent.stats().lost, 1);
  assert.equal(agent.stats().state, "closed");
});

if (Symbol.asyncDispose)
  test("the agent of a block closes with it", async (t) => {
    const daemon = await FakeDaemon.start(t);
    await agdb.register("x")[Symbol.asyncDispose]();
    assert.equal(daemon.of("agent.close").length, 1);
  });

test("agents share a connection while one of them lives", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agents = ["a", "b", "c"].map((intent) => agdb.register(intent));
  await Promise.all(agents.map((agent) => agent.gate()));
  assert.equal(daemon.connections, 1);
  assert.deepEqual(
    agents.map(({ pid }) => pid),
    [1, 2, 3],
  );
  await Promise.all(agents.map((agent) => agent.close()));
  await daemon.until(() => daemon.connections === 0);
});

test("calls of many agents at once stay with their agents", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agents = Array.from({ length: 20 }, (_, number) => agdb.register(`agent ${number}`));
  await Promise.all(
    agents.map(async (agent, number) => {
      await Promise.all(
        Array.from({ length: 50 }, (_, call) =>
          agent.call(`Call${number}`, { call }, async () => call),
        ),
      );
      await agent.close();
    }),
  );
  for (const { pid, name } of daemon.told("agent.begin")) assert.equal(name, `Call${pid - 1}`);
  assert.equal(daemon.of("agent.end").length, 1000);
});
