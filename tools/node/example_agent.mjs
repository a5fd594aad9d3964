// An agent that agdb can watch: a loop around a model, with tools and a helper. Its model is a stub with the shape of
// OpenAI's client, so that it runs anywhere:
//
//     agdb serve --detach
//     node tools/node/example_agent.mjs --delay 2 &
//     agdb ps --forest
//     agdb strace -f 1
//
// The lines with "agdb" or "agent" are all that a real one needs.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import * as agdb from "./agdb.mjs";

// --delay S: an answer of the model takes so many seconds, so that there is time to watch.
const { delay = "0" } = parseArgs({ options: { delay: { type: "string" } } }).values;

const docs = { "a.md": "# A\nSee [b](b.md).", "c.md": "# C\nSee [d](d.md)." };

/** A model that knows what it wants: to see the docs, to have their links looked at, to be done. */
class StubModel {
  chat = { completions: { create: (request) => this.#create(request) } };

  async #create({ messages }) {
    await sleep(Number(delay) * 1000);
    return this.#answer(messages);
  }

  #answer(messages) {
    const turns = [
      { tool_calls: [this.#call("list_docs", {})] },
      { tool_calls: [this.#call("check_links", { path: "c.md" })] },
      { content: "c.md has a dead link: d.md." },
    ];
    const turn = messages.filter(({ role }) => role === "assistant").length;
    const message = { role: "assistant", content: null, ...turns[turn] };
    const reason = message.tool_calls ? "tool_calls" : "stop";
    return {
      model: "stub-1",
      choices: [{ index: 0, message, finish_reason: reason }],
      usage: { prompt_tokens: 40 + 20 * turn, completion_tokens: 12 },
    };
  }

  #call(name, args) {
    return {
      id: `call_${name}`,
      type: "function",
      function: { name, arguments: JSON.stringify(args) },
    };
  }
}

const agent = agdb.register("tidy the docs", { model: "stub-1", budget: 50000, policy: "pause" });
const client = agdb.wrap(new StubModel());

const tools = {
  list_docs: agent.tool(() => Object.keys(docs), { name: "list_docs" }),
  check_links: checkLinks,
};

/** A helper of its own, which shows up below its parent in `agdb ps --forest`. */
async function checkLinks({ path }) {
  const helper = agent.child(`look for dead links in ${path}`);
  const linked = helper.call("FindLinks", { path }, () => docs[path].match(/(?<=\()[^)]*/g));
  await helper.close();
  return linked.filter((name) => !(name in docs));
}

async function work() {
  const messages = [
    { role: "system", content: "You keep documentation tidy." },
    { role: "user", content: "Find dead links." },
  ];
  for (;;) {
    const { go, reason } = await agent.gate();
    if (!go) return `stopped: ${reason}`;
    const answer = await client.chat.completions.create({ model: "stub-1", messages });
    const { message } = answer.choices[0];
    messages.push(message);
    if (!message.tool_calls) return message.content;
    for (const { id, function: call } of message.tool_calls) {
      const result = await tools[call.name](JSON.parse(call.arguments));
      messages.push({ role: "tool", tool_call_id: id, content: JSON.stringify(result) });
    }
  }
}

console.log(await work());
await agent.close();
