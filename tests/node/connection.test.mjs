// The connection at its worst: no daemon, one that dies, one that is slow, one that talks nonsense.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as agdb from "../../tools/node/agdb.mjs";
import { FakeDaemon } from "./fake_daemon.mjs";

test("without a daemon an agent works, and a gate lets it go on", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.die();
  const agent = agdb.register("x");
  assert.deepEqual(await agent.gate(), { go: true, reason: "no daemon" });
  assert.equal(
    agent.call("Add", {}, () => 2),
    2,
  );
  assert.equal(await agent.call("Add", {}, async () => 3), 3);
  assert.equal(agent.tool((a) => a + 1)(1), 2);
  assert.throws(
    () =>
      agent.call("Break", {}, () => {
        throw new Error("no");
      }),
    /no/,
  );
  agent.context([{ role: "user", content: "a" }]);
  agent.response({ content: "b" });
  assert.equal(agent.isOpen, false);
  assert.equal(agent.stats().state, "without");
  await agent.child("y").close();
  await agent.close();
});

test("a socket path that no system takes is no daemon", async (t) => {
  await FakeDaemon.start(t);
  for (const path of [`/tmp/${"long".repeat(100)}`, "/tmp/a\0b", "/"]) {
    process.env.AGDB_SOCKET = path;
    assert.deepEqual(await agdb.register("x").gate(), { go: true, reason: "no daemon" });
  }
});

test("a daemon that dies takes nobody with it", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  const child = agent.child("y");
  await child.gate();
  daemon.answers["agent.gate"] = () => undefined;
  const gate = agent.gate();
  await daemon.until(() => daemon.of("agent.gate").length === 2);
  daemon.die();
  assert.deepEqual(await gate, { go: true, reason: "no daemon" });
  assert.equal(
    agent.call("Add", {}, () => 2),
    2,
  );
  assert.equal(agent.stats().lost, 1);
  assert.equal(child.isOpen, false);
  await agent.close();
});

test("the next agent finds the next daemon", async (t) => {
  const first = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  await agent.gate();
  first.die();
  await agent.gate();
  const second = await FakeDaemon.start(t);
  const next = agdb.register("y");
  await next.gate();
  await next.close();
  assert.equal(second.told("agent.register")[0].intent, "y");
  assert.equal(agent.isOpen, false);
});

test("an agent that the daemon does not take works without it, and so do its children", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.answers["agent.register"] = () => new Error("1000 processes are alive");
  const agent = agdb.register("x");
  const child = agent.child("y");
  agent.call("Add", {}, () => 2);
  child.call("Add", {}, () => 2);
  assert.deepEqual(await agent.gate(), { go: true, reason: "no daemon" });
  assert.deepEqual(await child.gate(), { go: true, reason: "no daemon" });
  assert.equal(agent.stats().lost, 1);
  assert.equal(child.stats().lost, 1);
  assert.equal(daemon.messages.length, 1);
  await daemon.until(() => daemon.connections === 0);
});

test("answers without sense end the connection, not the agent", async (t) => {
  for (const pid of [undefined, -1, 1.5, "1", null]) {
    const daemon = await FakeDaemon.start(t);
    daemon.answers["agent.register"] = () => ({ pid });
    assert.deepEqual(await agdb.register("x").gate(), { go: true, reason: "no daemon" });
  }
});

for (const [what, text] of [
  ["no JSON", "hello\n"],
  ["a line without an end", "x".repeat(2 << 20)],
])
  test(`a daemon that sends ${what} is none`, async (t) => {
    const daemon = await FakeDaemon.start(t);
    daemon.rawAnswer = text;
    assert.deepEqual(await agdb.register("x").gate(), { go: true, reason: "no daemon" });
  });

test("answers to nobody are passed over", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.prefix =
    '\r\n\n{"jsonrpc":"2.0","id":99,"result":{}}\nnull\n7\n{"jsonrpc":"2.0","method":"x"}\n';
  const agent = agdb.register("x");
  assert.deepEqual(await agent.gate(), { go: true, reason: "" });
  await agent.close();
});

test("a slow daemon costs messages, which are counted, and nothing else", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.stopReading();
  const agent = agdb.register("x");
  const text = "t".repeat(100);
  for (let number = 0; number < 30_000; ++number) agent.call("Fill", { number, text }, () => {});
  const { lost, state } = agent.stats();
  assert.equal(state, "registering");
  assert.ok(lost >= 19_000 && lost < 30_000, `${lost} of 30000 lost`);
  assert.equal(agdb.stats().queued, 30_000 - lost + 1);
  daemon.readOn();
  await agent.gate();
  agent.call("After", {}, () => {});
  await agent.close();
  const told = daemon.told("agent.call");
  const gaps = told.filter(({ name }) => name === "AgdbLost");
  assert.deepEqual(
    gaps.map(({ args }) => args),
    [{ events: lost }],
  );
  assert.equal(told.filter(({ name }) => name === "Fill").length, 30_000 - lost);
  assert.equal(told.at(-1).name, "After");
  assert.equal(agdb.stats().queued, 0);
});

test("the queue is bounded in bytes, too", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  agent.context([{ role: "user", content: "c".repeat(17 << 20) }]);
  assert.equal(agent.stats().lost, 1);
  const text = "t".repeat(1 << 20);
  for (let number = 0; number < 40; ++number) agent.call("Fill", { text }, () => {});
  const { lost } = agent.stats();
  assert.ok(lost >= 25 && lost < 41, `${lost} of 41 lost`);
  await agent.close("completed", { timeoutMs: 60_000 });
  assert.equal(daemon.told("agent.call").filter(({ name }) => name === "Fill").length, 41 - lost);
});

test("a context that was lost is told as a whole the next time", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  const say = (content) => ({ role: "user", content });
  agent.context([say("a")]);
  agent.context([say("a"), say("b".repeat(17 << 20))]);
  agent.context([say("c")], { keep: 1 });
  await agent.close();
  assert.deepEqual(
    daemon.told("agent.context").map(({ keep }) => keep),
    [undefined, undefined],
  );
  assert.deepEqual(daemon.contextOf(1).messages, [say("a"), say("c")]);
});

test("a close that is not answered ends at its time limit", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.answers["agent.close"] = () => undefined;
  const agent = agdb.register("x");
  await agent.gate();
  await agent.close("completed", { timeoutMs: 1 });
  await daemon.until(() => daemon.connections === 0);
});
