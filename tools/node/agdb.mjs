/**
 * agdb for agents in Node: what the agent does becomes visible to `agdb serve`
 * (the protocol: ipc/README.md, "Agents of others").
 *
 *     import * as agdb from "./agdb.mjs";
 *     const agent = agdb.register("tidy the docs", { model: "m-1", budget: 50000 });
 *     const client = agdb.wrap(new OpenAI());
 *
 * It is a guest in the agent's process. Nothing here throws into the agent, but what the agent's
 * own functions throw. Nothing waits but `gate` and `close`. Nothing keeps the program alive but a
 * gate that waits and, for a second at most, the last messages. What does not fit into the queue is
 * lost, counted, and told. Without a daemon all is a no-op, said once on stderr. A connection that
 * ends is not made anew: its agents go on without a daemon.
 *
 * The socket is written when the event loop turns: while an agent computes without a pause,
 * nothing of it is seen.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { lstatSync } from "node:fs";
import net from "node:net";

const kClient = "agdb.mjs 0.1.0";
const kProtocol = 1;

/** What may wait for the daemon, over all agents of a connection. */
const kMaxQueuedMessages = 10_000;
const kMaxQueuedBytes = 16 << 20;
/** What the agent waits for is taken beyond the queue's limit, up to so many. */
const kMaxOpenRequests = 10_000;
/** The socket gets no more at once: what it holds, the queue cannot count. */
const kBatchCharacters = 64 << 10;
/** The daemon's answers are a few words each. */
const kMaxAnswerCharacters = 1 << 20;
/** How long the last messages may keep the program alive. */
const kFlushMs = 1000;
/** A gate lets an agent go on if the daemon has not answered so long. */
const kGateMs = 2000;
/** Longer is for ever. */
const kMaxTimerMs = 2 ** 31 - 1;
/** The newest tool calls whose results may still come. */
const kMaxOpenTools = 1000;
/** Of a value that is told: so deep, and so many parts. */
const kMaxDepth = 32;
const kMaxParts = 100_000;

const totals = { sent: 0, lost: 0, rejected: 0, internalErrors: 0 };

// What goes wrong here.

const said = new Set();

/** Says a thing of this kind once in the life of the program. */
function sayOnce(kind, text) {
  if (said.has(kind)) return;
  said.add(kind);
  try {
    process.stderr.write(`agdb: ${text}\n`);
  } catch {
    // A program without a stderr is not told.
  }
}

/** Runs what must not harm the agent. */
function guarded(work, otherwise) {
  try {
    return work();
  } catch (error) {
    ++totals.internalErrors;
    sayOnce("internal", `a fault of the client: ${errorText(error)}`);
    return otherwise;
  }
}

// Values as JSON.

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const isNothing = (value) => value === undefined || value === null;

/** Never empty: that would be a success. */
function errorText(error) {
  try {
    const isPlain = typeof error === "object" && !(error instanceof Error);
    const text = isPlain ? JSON.stringify(error) : String(error);
    return text || "unknown error";
  } catch {
    return "unknown error";
  }
}

/** A copy that JSON can hold: what it cannot hold stands there as words in brackets. */
class Snapshot {
  #left = kMaxParts;
  #above = [];

  of(value) {
    if (typeof value === "bigint") return value.toString();
    if (typeof value === "function") return `[function ${value.name}]`;
    if (typeof value === "symbol") return `[${value.toString()}]`;
    if (typeof value !== "object" || value === null) return value;
    if (this.#above.includes(value)) return "[cycle]";
    if (this.#above.length >= kMaxDepth) return "[deeper]";
    this.#above.push(value);
    const copy = this.#tried(() => this.#object(value));
    this.#above.pop();
    return copy;
  }

  /** A getter, a toJSON and a proxy may throw. */
  #tried(read) {
    try {
      return read();
    } catch (error) {
      return `[unreadable: ${errorText(error)}]`;
    }
  }

  #object(value) {
    if (ArrayBuffer.isView(value)) return `[${value.constructor.name}, ${value.byteLength} bytes]`;
    if (value instanceof Error) return errorText(value);
    if (typeof value.toJSON === "function") return this.of(value.toJSON());
    if (Array.isArray(value)) return this.#items(value, value.length);
    if (value instanceof Set) return this.#items(value, value.size);
    if (value instanceof Map)
      return this.#members(value.keys(), value.size, (key) => value.get(key));
    const keys = Object.keys(value);
    return this.#members(keys, keys.length, (key) => value[key]);
  }

  #items(values, count) {
    const copy = [];
    for (const value of values) {
      if (this.#left-- <= 0) return [...copy, `[${count - copy.length} more]`];
      copy.push(this.of(value));
    }
    return copy;
  }

  #members(keys, count, get) {
    const copy = Object.create(null);
    let done = 0;
    for (const key of keys) {
      if (this.#left-- <= 0) {
        copy["…"] = `[${count - done} more]`;
        break;
      }
      copy[String(key)] = this.#tried(() => this.of(get(key)));
      ++done;
    }
    return copy;
  }
}

const snapshot = (value) => new Snapshot().of(value);

/** A call's arguments are an object; anything else stands in one. */
function argsOf(value) {
  if (isNothing(value)) return {};
  const copy = snapshot(value);
  return isRecord(copy) ? copy : { args: copy };
}

/** A tool answers with text. */
function resultText(value) {
  if (isNothing(value)) return "";
  const copy = snapshot(value);
  return typeof copy === "string" ? copy : JSON.stringify(copy);
}

/** JSON.stringify writes half a surrogate pair as an escape, which is no text for others. */
const kHalfPair = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

function toJson(value) {
  const text = JSON.stringify(value);
  return text.includes("\\ud") ? text.replace(kHalfPair, "$1\\ufffd") : text;
}

/** The runtime's estimate for what nobody counted: ASCII characters / 3.5 + others / 1.5. */
function estimateTokens(text) {
  let ascii = 0;
  let others = 0;
  for (let i = 0; i < text.length; ++i) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) ++ascii;
    else if (unit < 0xdc00 || unit > 0xdfff) ++others;
  }
  return Math.floor((6 * ascii + 14 * others + 20) / 21);
}

// The socket.

function socketPath() {
  if (process.env.AGDB_SOCKET) return process.env.AGDB_SOCKET;
  if (process.env.XDG_RUNTIME_DIR) return `${process.env.XDG_RUNTIME_DIR}/agdb/agdb.sock`;
  return `/tmp/agdb-${process.geteuid?.() ?? 0}/agdb.sock`;
}

/** Anybody can make a folder in /tmp: contexts are not told to one that is not ours. */
function refusalOf(path) {
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (process.env.AGDB_SOCKET || !folder) return "";
  try {
    const is = lstatSync(folder);
    if (!is.isDirectory()) return `${folder} is no folder`;
    if (is.uid !== process.geteuid()) return `${folder} belongs to somebody else`;
    if (is.mode & 0o077) return `${folder} may be entered by others`;
  } catch {
    // The connection says that it is not there.
  }
  return "";
}

/** The connections that live, by path. */
const connections = new Map();

function connectionTo(path) {
  const living = connections.get(path);
  if (living) return living;
  watchExit();
  return new Connection(path);
}

/**
 * What one agent is for its connection.
 * States: registering → alive → closed, or without (a daemon) from any of them.
 */
class Link {
  state = "registering";
  pid = 0;
  recordId = "";
  traceparent = "";
  /** Entries that need the pid. */
  waiting = [];
  sent = 0;
  lost = 0;
  /** Lost, and the daemon does not know yet. */
  untold = 0;
  /** The promise of the one who closes it. */
  closing = null;

  constructor(connection, intent) {
    this.connection = connection;
    this.intent = intent;
  }

  get isOpen() {
    return !this.closing && (this.state === "registering" || this.state === "alive");
  }

  countLost() {
    ++this.lost;
    ++this.untold;
    ++totals.lost;
  }
}

/**
 * Lines to and from the daemon. An entry of the queue is {link, needs, key, method, tail, id,
 * bytes}: `tail` is the params' JSON, in front of which goes, as `key`, the pid of the link `needs`
 * (null: none) once it is known; `id` is 0 for a notification.
 */
class Connection {
  /** Notifications that the daemon did not take: it tells how many, not whose. */
  rejected = 0;
  #socket;
  #isOpen = false;
  #links = new Set();
  #requests = new Map();
  #nextId = 1;
  #queue = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #isOverflowing = false;
  #isFlushDue = false;
  #holds = 0;
  #input = "";

  constructor(path) {
    this.path = path;
    connections.set(path, this);
    const refusal = refusalOf(path);
    this.#socket = new net.Socket();
    this.#socket.setEncoding("utf8");
    this.#socket.on("connect", () => guarded(() => this.#opened()));
    this.#socket.on("drain", () => guarded(() => this.#flush()));
    this.#socket.on("data", (text) => guarded(() => this.#read(text)));
    this.#socket.on("error", (error) => guarded(() => this.#end(error.code ?? error.message)));
    this.#socket.on("close", () => guarded(() => this.#end("it has closed the connection")));
    try {
      if (refusal) throw new Error(refusal);
      this.#socket.connect(path);
    } catch (error) {
      this.#socket.destroy(error);
    }
    this.#socket.unref();
  }

  get queued() {
    return this.#count;
  }

  get links() {
    return [...this.#links];
  }

  /** A new agent; the pid of its parent, if it has one here, is put to the params. */
  join(link, params, parent) {
    this.#links.add(link);
    this.#ask(link, parent, "parent", "agent.register", params).then((answer) =>
      guarded(() => this.#registered(link, answer)),
    );
  }

  /** A notification; `params` is an object's JSON. Returns whether there was room for it. */
  tell(link, method, params) {
    if (!link.isOpen) return this.#lose(link);
    const entry = this.#entry(link, link, "pid", method, params);
    if (!this.#takes(entry)) return this.#lose(link);
    this.#tellLost(link);
    this.#push(entry);
    return true;
  }

  /** A request; the promise's value is {result} or {error}, null without a daemon. */
  ask(link, method, params) {
    if (!link.isOpen) return Promise.resolve(null);
    this.#tellLost(link);
    return this.#ask(link, link, "pid", method, params);
  }

  /** While held, the connection keeps the program alive. */
  hold() {
    if (++this.#holds === 1) this.#socket.ref();
  }

  release() {
    if (--this.#holds === 0) this.#socket.unref();
  }

  /** The link has closed; with the last one goes the connection. */
  leave(link) {
    link.state = "closed";
    this.#links.delete(link);
    if (this.#links.size === 0) this.#end("");
  }

  /** All that can still be written while the program exits. */
  flushNow() {
    if (!this.#isOpen) return;
    let text = "";
    while (this.#head < this.#queue.length) text += this.#nextLine();
    this.#socket.write(text);
  }

  #entry(link, needs, key, method, params, id = 0) {
    const tail = params.slice(1);
    return { link, needs, key, method, tail, id, bytes: Buffer.byteLength(tail) + 80 };
  }

  /** Once full, it takes nothing until it is half empty: losses come in few large gaps. */
  #takes(entry) {
    const share = this.#isOverflowing ? 0.5 : 1;
    const bytes = this.#bytes + this.#socket.writableLength + entry.bytes;
    this.#isOverflowing =
      this.#count >= kMaxQueuedMessages * share || bytes > kMaxQueuedBytes * share;
    return !this.#isOverflowing;
  }

  #lose(link) {
    link.countLost();
    if (link.isOpen) sayOnce("slow", "the daemon is too slow: messages are lost (see stats())");
    return false;
  }

  /** The gap is told where it is. */
  #tellLost(link) {
    if (link.untold === 0) return;
    const params = toJson({ name: "AgdbLost", args: { events: link.untold } });
    link.untold = 0;
    this.#push(this.#entry(link, link, "pid", "agent.call", params));
  }

  #ask(link, needs, key, method, params) {
    const isFull = this.#requests.size >= kMaxOpenRequests;
    if (isFull || (needs && !needs.isOpen)) return Promise.resolve(null);
    const id = this.#nextId++;
    const answer = new Promise((resolve) => this.#requests.set(id, resolve));
    this.#push(this.#entry(link, needs, key, method, params, id));
    return answer;
  }

  #push(entry) {
    ++this.#count;
    this.#bytes += entry.bytes;
    if (entry.needs && entry.needs.pid === 0) entry.needs.waiting.push(entry);
    else this.#ready(entry);
  }

  #ready(entry) {
    this.#queue.push(entry);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    process.nextTick(() => guarded(() => this.#flush()));
  }

  #flush() {
    this.#isFlushDue = false;
    while (this.#isOpen && !this.#socket.writableNeedDrain && this.#head < this.#queue.length) {
      let batch = "";
      while (batch.length < kBatchCharacters && this.#head < this.#queue.length)
        batch += this.#nextLine();
      this.#socket.write(batch);
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
  }

  #nextLine() {
    const { link, needs, key, method, tail, id, bytes } = this.#queue[this.#head];
    this.#queue[this.#head++] = undefined;
    --this.#count;
    this.#bytes -= bytes;
    ++link.sent;
    ++totals.sent;
    const number = id === 0 ? "" : `"id":${id},`;
    const pid = needs ? `"${key}":${needs.pid}${tail === "}" ? "" : ","}` : "";
    return `{"jsonrpc":"2.0",${number}"method":"${method}","params":{${pid}${tail}}\n`;
  }

  #opened() {
    this.#isOpen = true;
    this.#flush();
  }

  #read(text) {
    const lines = (this.#input + text).split("\n");
    this.#input = lines.pop();
    for (const line of lines) if (line.trim() !== "") this.#answered(line);
    if (this.#input.length > kMaxAnswerCharacters)
      this.#socket.destroy(new Error("it sent a line without an end"));
  }

  #answered(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      this.#socket.destroy(new Error("it sent what is no JSON"));
      return;
    }
    const resolve = this.#requests.get(message?.id);
    if (!resolve) return;
    this.#requests.delete(message.id);
    const rejected = message.result?.rejected;
    if (Number.isSafeInteger(rejected) && rejected > 0) {
      this.rejected += rejected;
      totals.rejected += rejected;
    }
    resolve(message);
  }

  #registered(link, answer) {
    if (link.state !== "registering") return;
    const pid = answer?.result?.pid;
    if (!Number.isSafeInteger(pid) || pid <= 0) {
      if (answer) {
        const why = answer.error?.message ?? "its answer has no pid";
        sayOnce("refused", `the daemon did not take "${link.intent}": ${why}`);
      }
      this.#abandon(link);
      return;
    }
    link.state = "alive";
    link.pid = pid;
    link.recordId = String(answer.result.record_id ?? "");
    link.traceparent = String(answer.result.traceparent ?? "");
    for (const entry of link.waiting.splice(0)) this.#ready(entry);
  }

  #abandon(link) {
    link.state = "without";
    this.#links.delete(link);
    for (const entry of link.waiting.splice(0)) this.#drop(entry);
    if (this.#links.size === 0) this.#end("");
  }

  #drop(entry) {
    --this.#count;
    this.#bytes -= entry.bytes;
    if (entry.id === 0) {
      entry.link.countLost();
      return;
    }
    this.#requests.get(entry.id)?.(null);
    this.#requests.delete(entry.id);
  }

  /** `why` is empty when we go ourselves. */
  #end(why) {
    if (connections.get(this.path) !== this) return;
    connections.delete(this.path);
    if (why && !this.#isOpen)
      sayOnce("none", `no daemon at ${this.path} (${why}): start one with "agdb serve --detach"`);
    else if (why && this.#links.size > 0)
      sayOnce("gone", `the daemon at ${this.path} has gone (${why}): nothing more is told`);
    this.#isOpen = false;
    for (const link of this.#links) link.state = "without";
    const unsent = this.#queue.slice(this.#head);
    for (const link of this.#links) unsent.push(...link.waiting.splice(0));
    for (const entry of unsent) this.#drop(entry);
    this.#queue = [];
    this.#head = 0;
    this.#links.clear();
    for (const resolve of this.#requests.values()) resolve(null);
    this.#requests.clear();
    this.#socket.destroy();
  }
}

/** The answer, or null after so many milliseconds. The program stays alive for it. */
async function waited(connection, answer, timeoutMs) {
  let timer;
  const late = new Promise((resolve) => {
    if (timeoutMs <= kMaxTimerMs) timer = setTimeout(resolve, timeoutMs, null);
  });
  connection.hold();
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    connection.release();
  }
}

/** A program's exit code is what the system keeps of it. */
const closeParams = (reason, exitCode) => toJson({ reason, exit_code: Number(exitCode) & 0xff });

/** When the daemon has answered, it has all that was told before. */
function closeLink(link, reason, exitCode, timeoutMs) {
  if (!link.isOpen) return link.closing ?? Promise.resolve();
  const { connection } = link;
  const answer = connection.ask(link, "agent.close", closeParams(reason, exitCode));
  link.closing = waited(connection, answer, timeoutMs).then(() =>
    guarded(() => connection.leave(link)),
  );
  return link.closing;
}

// The end of the program.

let isExitWatched = false;
let failure = "";

function watchExit() {
  if (isExitWatched) return;
  isExitWatched = true;
  process.on("beforeExit", (code) => guarded(() => closeAll(code)));
  process.on("exit", (code) => guarded(() => atExit(code)));
  process.on("uncaughtExceptionMonitor", (error) => {
    failure = errorText(error).slice(0, 200);
  });
}

function closeAll(code) {
  const reason = code ? "failed" : "completed";
  for (const connection of [...connections.values()])
    for (const link of connection.links) closeLink(link, reason, code, kFlushMs);
}

/** Here nothing can be waited for: the system takes what it takes. */
function atExit(code) {
  const reason = failure || (code ? "failed" : "completed");
  for (const connection of connections.values()) {
    for (const link of connection.links)
      connection.ask(link, "agent.close", closeParams(reason, code));
    connection.flushNow();
  }
}

// Agents.

/** Of code that an agent runs (`run`, `call`, its tools). */
const running = new AsyncLocalStorage();
/** By `register`, oldest first; those that have closed leave when the next one comes. */
let registered = [];

/** The agent that a wrapped client tells, unless it was given one: the newest, outside of any. */
function currentAgent() {
  return running.getStore() ?? registered.findLast((agent) => agent.isOpen);
}

/** For who tells in an agent's name. */
const kNow = Symbol("now");
const kTellResults = Symbol("tell results");
const kTellThinking = Symbol("tell thinking");
const kTellContext = Symbol("tell context");
/** Of a tool's result that is an error. */
const kIsError = Symbol("is error");

const textOrNothing = (value) => (isNothing(value) ? undefined : resultText(value));
const monotonicNow = () => Number(process.hrtime.bigint());
const isThenable = (value) => typeof value?.then === "function";

/** What is told of an error or a result. */
const outcomeOf = ({ error, result }) =>
  isNothing(error) ? { result: snapshot(result) ?? null } : { error: errorText(error) };

function countOrNothing(count) {
  return Number.isFinite(count) && count >= 0 ? Math.round(count) : undefined;
}

/** Of version 00, and no id of zeros. */
const kTraceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The span that the agent is a part of; a header that is wrong costs that, nothing else. */
function outerSpan(given) {
  const header = (textOrNothing(given ?? process.env.TRACEPARENT) ?? "").trim().toLowerCase();
  if (header === "" || kTraceparent.test(header)) return header || undefined;
  sayOnce("traceparent", `no traceparent: "${header.slice(0, 80)}"`);
  return undefined;
}

/**
 * One agent, as `agdb ps` shows it. Made by `register` and by `child`.
 *
 *     const agent = agdb.register("tidy the docs", { budget: 50000 });
 *     const { go, reason } = await agent.gate();
 *     await agent.close();
 */
export class Agent {
  #link;
  #began = monotonicNow();
  #lastCall = 0;
  /** By ctx_id: {lines, prompt, isKnown}; the messages as JSON, and whether the daemon has them. */
  #contexts = new Map();
  #rejectedThen;
  /** By id, tool calls of the model whose results nobody has told. */
  #openTools = new Map();
  /** How often a tool was told by `tool` since the model's answer. */
  #ownTools = new Map();
  #answered = 0;

  /** Not for callers: see `register`. */
  constructor(connection, intent, options, parent) {
    const text = resultText(intent);
    this.#link = new Link(connection, text);
    this.#rejectedThen = connection.rejected;
    const { model, budget, policy, maxSteps, record, parent: pid, traceparent } = argsOf(options);
    const params = {
      intent: text,
      model: textOrNothing(model),
      budget: countOrNothing(budget),
      policy,
      max_steps: countOrNothing(maxSteps),
      parent: parent ? undefined : countOrNothing(pid),
      protocol: kProtocol,
      client: kClient,
      record,
      traceparent: parent ? undefined : outerSpan(traceparent),
    };
    connection.join(this.#link, toJson(params), parent ? parent.#link : null);
  }

  /** The daemon's number of this agent; 0 while it is not known. */
  get pid() {
    return this.#link.pid;
  }

  /** "" while it is not known, and for an agent that is not recorded. */
  get recordId() {
    return this.#link.recordId;
  }

  /** W3C trace context of this agent's span, for headers; "" while it is not known. */
  get traceparent() {
    return this.#link.traceparent;
  }

  /** Whether anything can still be told. */
  get isOpen() {
    return this.#link.isOpen;
  }

  /**
   * Runs a function as a call of this agent. What it throws becomes the call's error, and goes on.
   *
   *     const files = await agent.call("ReadDocs", { path: "docs/" }, () => readAll("docs/"));
   */
  call(name, args, fn) {
    const told = this.isOpen ? guarded(() => argsOf(args)) : {};
    const began = this[kNow]();
    let call = 0;
    return this.#observed(fn, {
      pending: () => (call = this.#begin(name, told, began)),
      ended: (outcome) =>
        call === 0 ? this.#tellCall(name, told, began, outcome) : this.end(call, outcome),
    });
  }

  /**
   * The beginning of a call that ends somewhere else. Returns the number that `end` wants.
   *
   *     const call = agent.begin("Lint", { path: "docs/a.md" });
   *     agent.end(call, { error: "line 3: too long" });
   */
  begin(name, args) {
    return guarded(() => this.#begin(name, argsOf(args), this[kNow]()), 0);
  }

  end(call, outcome) {
    if (call === 0) return; // Its beginning was lost.
    this.#tell("agent.end", () => ({
      call,
      ...outcomeOf(outcome ?? {}),
      timestamp_ns: this[kNow](),
    }));
  }

  /**
   * A function whose calls are told as calls of a tool. A single object is its arguments;
   * otherwise they are a list, `args`.
   *
   *     const search = agent.tool(async ({ query }) => index.find(query), { name: "search" });
   */
  tool(fn, options) {
    if (typeof fn !== "function") return fn;
    const name = options?.name || fn.name || "tool";
    return new Proxy(fn, {
      apply: (target, self, args) =>
        this.#callTool(name, args, () => Reflect.apply(target, self, args)),
    });
  }

  /**
   * A model's answer. It counts as a step, and against the budget.
   *
   *     agent.response({ requestTokens: 120, responseTokens: 30, content: "Done." });
   */
  response(answer) {
    this.#tell("agent.response", () => this.#answerParams(answer ?? {}));
  }

  /**
   * The context as it is now; only what is new goes to the daemon. With `keep`: the first `keep`
   * messages stay, `messages` follow. Messages may have the form of either API; without
   * `systemPrompt` the system messages at their beginning are it, if there are some.
   *
   *     agent.context([{ role: "user", content: "Tidy it." }], { systemPrompt: "Be brief." });
   */
  context(messages, options) {
    guarded(() => {
      const { systemPrompt, ctxId = 1, keep } = options ?? {};
      const { prompt, rest } = splitPrompt(toldMessages(messages));
      const kept = Number.isInteger(keep) ? this.#contextBefore(ctxId).lines.slice(0, keep) : [];
      this[kTellContext](ctxId, systemPrompt ?? prompt, [...kept, ...rest.map(toJson)]);
    });
  }

  /**
   * May I go on? Waits while the agent is paused, for `timeoutMs` at most; with `wait` false not
   * even that. A paused agent that waits no longer gets {go: false, reason: "suspended"}. A daemon
   * that is not there, or does not answer, forbids nothing.
   *
   *     const { go, reason } = await agent.gate();
   *     if (!go) return agent.close(reason);
   */
  async gate(options) {
    const { wait = true, timeoutMs = Infinity } = options ?? {};
    const first = await this.#askGate(false, Math.min(kGateMs, timeoutMs));
    if (!first) return { go: true, reason: "no daemon" };
    if (first.go || first.reason !== "suspended" || !wait) return first;
    const second = await this.#askGate(true, timeoutMs);
    return second ?? (this.isOpen ? first : { go: true, reason: "no daemon" });
  }

  /**
   * An agent that this one has started. Close it when it is done.
   *
   *     const helper = agent.child("look for dead links");
   *     await helper.run(() => lookForDeadLinks(client));
   *     await helper.close();
   */
  child(intent, options) {
    return new Agent(this.#link.connection, intent, options, this);
  }

  /** Runs a function as this agent: clients that are wrapped tell it what they do in there. */
  run(fn) {
    return running.run(this, fn);
  }

  /**
   * The end of the agent. Waits until the daemon has all that was told, for a second at most.
   *
   *     await agent.close();
   *     await agent.close("no such file", { exitCode: 1 });
   */
  async close(reason = "completed", options) {
    const { exitCode = reason === "completed" ? 0 : 1, timeoutMs = kFlushMs } = options ?? {};
    await guarded(() => closeLink(this.#link, resultText(reason), snapshot(exitCode), timeoutMs));
  }

  /**
   * How much was told, and lost for want of room or of a daemon; `rejected` is that of all agents
   * of this one's connection.
   */
  stats() {
    const { pid, state, sent, lost, connection } = this.#link;
    return { pid, state, sent, lost, rejected: connection.rejected };
  }

  [kNow]() {
    return monotonicNow() - this.#began;
  }

  /** Null: nobody answered in time. */
  async #askGate(wait, timeoutMs) {
    const { connection } = this.#link;
    const asked = connection.ask(this.#link, "agent.gate", toJson({ wait }));
    const answer = await waited(connection, asked, timeoutMs);
    if (!answer) return null;
    if (answer.error) return { go: true, reason: resultText(answer.error.message) };
    const isRefused = answer.result?.go === false;
    return { go: !isRefused, reason: isRefused ? resultText(answer.result.reason) : "" };
  }

  /** Returns whether there was room for it. `params` is called only when somebody listens. */
  #tell(method, params) {
    const { connection } = this.#link;
    return guarded(() => connection.tell(this.#link, method, this.isOpen ? toJson(params()) : ""));
  }

  #answerParams(answer) {
    const calls = answer.toolCalls ? partsOf(snapshot(answer.toolCalls)) : undefined;
    this.#noteAnswer(calls ?? []);
    return {
      model: textOrNothing(answer.model),
      request_tokens: countOrNothing(answer.requestTokens),
      response_tokens: countOrNothing(answer.responseTokens),
      content: textOrNothing(answer.content),
      tool_calls: calls,
      stop_reason: textOrNothing(answer.stopReason),
      cache_read_tokens: countOrNothing(answer.cacheReadTokens),
      cache_creation_tokens: countOrNothing(answer.cacheCreationTokens),
      time_to_first_token: countOrNothing(answer.timeToFirstTokenNs),
      cost_usd: Number.isFinite(answer.costUsd) ? answer.costUsd : undefined,
      error: isNothing(answer.error) ? undefined : errorText(answer.error),
      duration_ns: countOrNothing(answer.durationNs),
      timestamp_ns: countOrNothing(answer.timestampNs),
    };
  }

  #noteAnswer(calls) {
    this.#answered = this[kNow]();
    this.#ownTools.clear();
    for (const call of calls) if (call?.id) this.#openTools.set(call.id, call);
    const tooMany = this.#openTools.size - kMaxOpenTools;
    for (const id of [...this.#openTools.keys()].slice(0, Math.max(0, tooMany)))
      this.#openTools.delete(id);
  }

  /**
   * A request carries the results of tools: those that `tool` has not told are told here. How long
   * one took nobody knows, but that it was not longer than from the answer to the request.
   */
  [kTellResults](messages) {
    const last = messages.findLastIndex(({ role }) => role === "assistant");
    const found = [];
    for (const message of messages.slice(last + 1)) {
      const call = this.#openTools.get(message.tool_call_id);
      if (!call || !this.#openTools.delete(message.tool_call_id)) continue;
      const own = this.#ownTools.get(call.name) ?? 0;
      if (own > 0) this.#ownTools.set(call.name, own - 1);
      else found.push({ call, message });
    }
    const duration = found.length === 1 ? this[kNow]() - this.#answered : 0;
    for (const { call, message } of found)
      this.#tell("agent.tool", () => ({
        name: call.name,
        args: argsOf(call.arguments),
        [message[kIsError] ? "error" : "result"]: message.content,
        duration_ns: duration,
        timestamp_ns: this.#answered,
      }));
  }

  [kTellThinking](thoughts, times) {
    for (const args of thoughts)
      this.#tell("agent.call", () => ({ name: "DriverThinking", args, result: null, ...times }));
  }

  #begin(name, args, began) {
    const call = ++this.#lastCall;
    const params = () => ({ call, name: resultText(name), args, timestamp_ns: began });
    return this.#tell("agent.begin", params) ? call : 0;
  }

  #tellCall(name, args, began, outcome) {
    this.#tell("agent.call", () => ({
      name: resultText(name),
      args,
      ...outcomeOf(outcome),
      duration_ns: this[kNow]() - began,
      timestamp_ns: began,
    }));
  }

  #callTool(name, args, work) {
    const isOneObject = args.length === 1 && isRecord(args[0]);
    const told = this.isOpen
      ? guarded(() => argsOf(isOneObject ? args[0] : args.length > 0 ? args : null))
      : {};
    const began = this[kNow]();
    const tell = ({ error, result }) => {
      this.#ownTools.set(name, (this.#ownTools.get(name) ?? 0) + 1);
      this.#tell("agent.tool", () => ({
        name: resultText(name),
        args: told,
        ...(isNothing(error) ? { result: resultText(result) } : { error: errorText(error) }),
        duration_ns: this[kNow]() - began,
        timestamp_ns: began,
      }));
    };
    return this.#observed(work, { pending: () => {}, ended: tell });
  }

  /** Runs it as this agent, and says how it ended; `pending` comes first if it ends later. */
  #observed(work, { pending, ended }) {
    let value;
    try {
      value = this.run(work);
    } catch (error) {
      ended({ error: error ?? "unknown error" });
      throw error;
    }
    if (!isThenable(value)) {
      ended({ result: value });
      return value;
    }
    pending();
    return observedThenable(value, {
      settled: (result) => (ended({ result }), result),
      failed: (error) => ended({ error: error ?? "unknown error" }),
    });
  }

  #contextBefore(ctxId) {
    const { rejected } = this.#link.connection;
    if (this.#rejectedThen !== rejected) {
      this.#rejectedThen = rejected;
      for (const context of this.#contexts.values()) context.isKnown = false;
    }
    return this.#contexts.get(ctxId) ?? { lines: [], prompt: undefined, isKnown: false };
  }

  /**
   * The daemon keeps what is as before; what it may not have is told as a whole. `lines` are the
   * messages' JSON.
   */
  [kTellContext](ctxId, givenPrompt, lines) {
    const before = this.#contextBefore(ctxId);
    const prompt = givenPrompt ?? before.prompt;
    let keep = 0;
    while (before.isKnown && keep < lines.length && lines[keep] === before.lines[keep]) ++keep;
    const isSame = keep === lines.length && keep === before.lines.length;
    if (before.isKnown && isSame && prompt === before.prompt) return;
    const params = [`"ctx_id":${toJson(ctxId)}`];
    if (prompt !== undefined) params.push(`"system_prompt":${toJson(resultText(prompt))}`);
    if (before.isKnown) params.push(`"keep":${keep}`);
    params.push(`"messages":[${lines.slice(keep).join(",")}]`);
    const { connection } = this.#link;
    const isKnown = connection.tell(this.#link, "agent.context", `{${params.join(",")}}`);
    this.#contexts.set(ctxId, { lines, prompt, isKnown });
  }
}

if (Symbol.asyncDispose)
  Object.defineProperty(Agent.prototype, Symbol.asyncDispose, {
    value() {
      return this.close();
    },
  });

/**
 * This process has an agent: it appears in `agdb ps`. Returns at once; the daemon's answer comes
 * later.
 *
 *     const agent = agdb.register("tidy the docs", { budget: 50000, policy: "pause" });
 */
export function register(intent, options) {
  const agent = new Agent(connectionTo(socketPath()), intent, options, null);
  registered = [...registered.filter((one) => one.isOpen), agent];
  return agent;
}

/** Of all agents together; `queued` waits to be told. */
export function stats() {
  const queued = [...connections.values()].reduce((sum, { queued }) => sum + queued, 0);
  return { ...totals, queued };
}

// Messages of the model APIs, as the daemon takes them: content is text.

const base64Bytes = (text) => Math.floor((text.replace(/=+$/, "").length * 3) / 4);

/** "[image image/png, 1234 bytes]", "[image https://…]" */
function mediaText(type, { url, media, data }) {
  if (typeof url === "string" && url.startsWith("data:")) {
    const comma = url.indexOf(",");
    const media = url.slice("data:".length, comma).split(";")[0];
    return mediaText(type, { media, data: url.slice(comma + 1) });
  }
  if (typeof url === "string") return `[${type} ${url}]`;
  return `[${type} ${media || "of unknown type"}, ${base64Bytes(String(data ?? ""))} bytes]`;
}

/** What the model reads of a part of a message; nothing of its thinking, which stays its own. */
function partText(part) {
  if (typeof part === "string") return part;
  if (!isRecord(part)) return undefined;
  const { type = "untyped", source } = part;
  if (["thinking", "redacted_thinking", "reasoning"].includes(type)) return undefined;
  if (typeof part.text === "string") return part.text;
  if (type === "refusal") return String(part.refusal);
  if (type === "image_url" || type === "input_image")
    return mediaText("image", { url: part.image_url?.url ?? part.image_url });
  if (type === "document" && source?.type === "text") return String(source.data);
  if (type === "image" || type === "document")
    return mediaText(type, { url: source?.url, media: source?.media_type, data: source?.data });
  return `[${type} block]`;
}

const partsOf = (content) =>
  Array.isArray(content) ? content : isNothing(content) ? [] : [content];

const textOf = (content) =>
  partsOf(content)
    .map(partText)
    .filter((text) => text !== undefined)
    .join("\n");

/** An object, or the text itself where it is none. */
function parsedArguments(text) {
  if (typeof text !== "string") return text === undefined ? {} : snapshot(text);
  try {
    const value = JSON.parse(text);
    return isRecord(value) ? value : text;
  } catch {
    return text;
  }
}

function callOf(call) {
  const source = call.function ?? call.custom ?? call;
  const args = parsedArguments(source.arguments ?? source.input);
  const id = String(call.call_id ?? call.id ?? "");
  return { id, name: String(source.name ?? ""), arguments: args };
}

function toolMessage(callId, content, isError) {
  const message = { role: "tool", content: textOf(content), tool_call_id: String(callId ?? "") };
  if (isError) message[kIsError] = true;
  return message;
}

/** A message of chat completions or of Anthropic: one or, with results of tools in it, several. */
function toldMessage(message) {
  if (!isRecord(message)) return [{ role: "user", content: textOf(message) }];
  const { role = "user", name, tool_call_id: callId, tool_calls: calls } = message;
  const call = message.function_call;
  const parts = partsOf(message.content);
  const results = parts.filter((part) => part?.type === "tool_result");
  const uses = parts.filter((part) => part?.type === "tool_use");
  const others = parts.filter((part) => part?.type !== "tool_result" && part?.type !== "tool_use");
  const told = results.map((part) => toolMessage(part.tool_use_id, part.content, part.is_error));
  if (others.length === 0 && results.length > 0) return told;
  const toldCalls = [...(calls ?? (call ? [{ function: call }] : [])), ...uses].map(callOf);
  const own = { role: String(role), content: textOf(others) };
  if (name) own.name = String(name);
  if (callId) own.tool_call_id = String(callId);
  if (toldCalls.length > 0) own.tool_calls = toldCalls;
  return [...told, own];
}

/** What an assistant says and calls in a row is one message; responses have an item for each. */
function addCall(told, call) {
  const isAssistant = told.at(-1)?.role === "assistant";
  const before = isAssistant ? told.pop() : { role: "assistant", content: "" };
  told.push({ ...before, tool_calls: [...(before.tool_calls ?? []), call] });
}

/** Messages of chat completions and of Anthropic, and the items of OpenAI's responses. */
function toldMessages(messages) {
  if (typeof messages === "string") return toldMessage(messages);
  const told = [];
  for (const message of messages ?? []) {
    const type = message?.type ?? "message";
    if (type === "function_call" || type === "custom_tool_call") addCall(told, callOf(message));
    else if (type === "function_call_output" || type === "custom_tool_call_output")
      told.push(toolMessage(message.call_id, message.output));
    else if (type === "message" || message.role) told.push(...toldMessage(message));
    else if (type !== "reasoning") told.push({ role: "assistant", content: `[${type} block]` });
  }
  return told;
}

/** The system messages at the beginning are the prompt. */
function splitPrompt(messages) {
  const isPrompt = ({ role }) => role === "system" || role === "developer";
  const end = messages.findIndex((message) => !isPrompt(message));
  const count = end < 0 ? messages.length : end;
  const prompt = messages.slice(0, count).map(({ content }) => content);
  return { prompt: count > 0 ? prompt.join("\n") : undefined, rest: messages.slice(count) };
}

/** The context that a request shows to the model. */
function contextOf(body) {
  const given = body?.messages ?? body?.input;
  const isReadable = Array.isArray(given) || typeof given === "string";
  const { prompt, rest } = splitPrompt(toldMessages(isReadable ? given : []));
  const named = body?.system ?? body?.instructions;
  return { prompt: isNothing(named) ? (prompt ?? "") : textOf(named), messages: rest };
}

// Answers of the model APIs, in one piece or in chunks.

/** Of OpenAI's form: chat.completion, chat.completion.chunk. With several choices, the first. */
class ChatAnswer {
  model;
  stopReason;
  #usage;
  #text = "";
  #thought = "";
  #calls = new Map();

  /** Returns whether the model has said something in it. */
  add(chunk) {
    this.model ??= chunk.model;
    this.#usage = chunk.usage ?? this.#usage;
    const choice = chunk.choices?.find(({ index }) => !index);
    this.stopReason = choice?.finish_reason ?? this.stopReason;
    const said = choice?.delta ?? choice?.message;
    if (!said) return false;
    const text = textOf(said.content) || said.refusal || "";
    const calls = said.tool_calls ?? (said.function_call ? [{ function: said.function_call }] : []);
    const thought = textOf(said.reasoning_content ?? said.reasoning);
    this.#text += text;
    this.#thought += thought;
    for (const [position, call] of calls.entries()) this.#addCall(call, call.index ?? position);
    return Boolean(text || calls.length > 0 || thought);
  }

  /** Id and name come once, the arguments in pieces. */
  #addCall(call, index) {
    const { name, arguments: args, input } = call.function ?? call.custom ?? {};
    const before = this.#calls.get(index) ?? { id: "", name: "", arguments: "" };
    const piece = args ?? input ?? "";
    this.#calls.set(index, {
      id: before.id || call.id || "",
      name: before.name || name || "",
      arguments: typeof piece === "string" ? before.arguments + piece : piece,
    });
  }

  /** As the next request has it. */
  get messages() {
    return [{ role: "assistant", content: this.#text, tool_calls: [...this.#calls.values()] }];
  }

  get thoughts() {
    return this.#thought ? [{ content: this.#thought }] : [];
  }

  get content() {
    return this.#text;
  }

  get tokens() {
    const usage = this.#usage;
    if (!usage) return undefined;
    const cached = usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens;
    return {
      requestTokens: usage.prompt_tokens,
      responseTokens: usage.completion_tokens,
      cacheReadTokens: cached ?? undefined,
    };
  }
}

/** Of Anthropic's form: a message, or the events of its stream. */
class MessageAnswer {
  model;
  stopReason;
  #usage;
  #blocks = [];

  add(event) {
    switch (event.type) {
      case "message":
        this.#message(event);
        return true;
      case "message_start":
        this.#message(event.message);
        return false;
      case "content_block_start":
        this.#blocks[event.index] = { ...event.content_block };
        return true;
      case "content_block_delta":
        this.#delta(this.#blocks[event.index] ?? {}, event.delta);
        return true;
      case "message_delta":
        this.stopReason = event.delta?.stop_reason ?? this.stopReason;
        this.#count(event.usage);
        return false;
      default:
        return false;
    }
  }

  #message({ model, content, stop_reason: stopReason, usage }) {
    this.model = model;
    this.stopReason = stopReason ?? this.stopReason;
    this.#blocks = [...(content ?? [])];
    this.#count(usage);
  }

  #delta(block, delta) {
    if (delta?.type === "text_delta") block.text = (block.text ?? "") + delta.text;
    if (delta?.type === "thinking_delta") block.thinking = (block.thinking ?? "") + delta.thinking;
    if (delta?.type === "signature_delta") block.signature = delta.signature;
    // The block came with an empty object; its text comes in pieces.
    if (delta?.type === "input_json_delta")
      block.inputText = (block.inputText ?? "") + delta.partial_json;
  }

  /** What stands in a later count replaces what stood in an earlier one. */
  #count(usage) {
    const counts = Object.entries(usage ?? {}).filter(([, count]) => count !== null);
    if (counts.length > 0) this.#usage = { ...this.#usage, ...Object.fromEntries(counts) };
  }

  get messages() {
    const content = this.#blocks.filter(Boolean).map((block) => {
      const { inputText, ...rest } = block;
      return inputText ? { ...rest, input: parsedArguments(inputText) } : rest;
    });
    return [{ role: "assistant", content }];
  }

  get thoughts() {
    return this.#blocks
      .filter((block) => ["thinking", "redacted_thinking"].includes(block?.type))
      .map(({ thinking, signature, data }) => ({
        content: textOf(thinking),
        signature: textOrNothing(signature ?? data),
      }));
  }

  get content() {
    return textOf(this.#blocks.filter((block) => block?.type === "text"));
  }

  get tokens() {
    const usage = this.#usage;
    if (!usage) return undefined;
    const { cache_read_input_tokens: read = 0, cache_creation_input_tokens: creation = 0 } = usage;
    return {
      requestTokens: (usage.input_tokens ?? 0) + read + creation,
      responseTokens: usage.output_tokens,
      cacheReadTokens: read,
      cacheCreationTokens: creation,
    };
  }
}

/**
 * Of OpenAI's responses: a response, or the events of its stream, which ends with the whole of it.
 */
class ResponseAnswer {
  model;
  stopReason;
  error;
  #usage;
  #items = [];

  add(event) {
    const { type, output_index: index, item, delta } = event;
    if (event.object === "response") this.#whole(event);
    else if (event.response) this.#whole(event.response);
    else if (type === "error") this.error = textOrNothing(event.message);
    else if (type === "response.output_item.added") this.#items[index] = { ...item };
    else if (type === "response.output_text.delta" || type === "response.refusal.delta")
      this.#append(index, "content", delta);
    else if (type === "response.function_call_arguments.delta")
      this.#append(index, "arguments", delta);
    else if (type === "response.reasoning_summary_text.delta")
      this.#append(index, "summary", delta);
    return typeof delta === "string" || item?.type === "function_call";
  }

  /** Its list of parts is empty as long as it comes in pieces. */
  #append(index, member, delta) {
    const item = (this.#items[index] ??= { type: "message", role: "assistant" });
    item[member] = (typeof item[member] === "string" ? item[member] : "") + delta;
  }

  #whole({ model, status, output, usage, error, incomplete_details: details }) {
    this.model = model ?? this.model;
    this.error = textOrNothing(error?.message) ?? this.error;
    this.#usage = usage ?? this.#usage;
    const isOver = status !== "in_progress" && status !== "queued";
    if (isOver) this.stopReason = details?.reason ?? status;
    if (output?.length > 0) this.#items = output;
  }

  get messages() {
    return this.#items.filter(Boolean);
  }

  get thoughts() {
    return this.#items
      .filter((item) => item?.type === "reasoning")
      .map(({ summary }) => ({ content: textOf(summary) }))
      .filter(({ content }) => content !== "");
  }

  get content() {
    return this.messages
      .filter(({ type }) => type === "message")
      .map(({ content }) => textOf(content))
      .join("\n");
  }

  get tokens() {
    const usage = this.#usage;
    if (!usage) return undefined;
    return {
      requestTokens: usage.input_tokens,
      responseTokens: usage.output_tokens,
      cacheReadTokens: usage.input_tokens_details?.cached_tokens,
    };
  }
}

/** One request to a model and its answer: told once, when the answer is there or will not be. */
class Exchange {
  #agent;
  #answer;
  #model;
  #ctxId;
  #prompt;
  #messages;
  #lines;
  #began = monotonicNow();
  #timestamp;
  #firstToken;
  #isTold = false;

  constructor(agent, Answer, body, ctxId) {
    const { prompt, messages } = contextOf(body);
    this.#agent = agent;
    this.#answer = new Answer();
    this.#model = body?.model;
    this.#ctxId = ctxId;
    this.#prompt = prompt;
    this.#messages = messages;
    this.#timestamp = agent[kNow]();
    agent[kTellResults](messages);
    this.#lines = messages.map(toJson);
    agent[kTellContext](ctxId, prompt, this.#lines);
  }

  /** A chunk of a stream. */
  add(chunk) {
    guarded(() => {
      const hasSaid = this.#answer.add(chunk);
      if (hasSaid) this.#firstToken ??= monotonicNow() - this.#began;
    });
  }

  /** The answer in one piece. */
  whole(answer) {
    guarded(() => isRecord(answer) && this.#answer.add(answer));
    this.ended();
  }

  /** A stream that has no stop reason was cut. */
  ended() {
    this.#tell({ stopReason: this.#answer.stopReason ?? "" });
  }

  aborted() {
    this.#tell({ stopReason: this.#answer.stopReason ?? "aborted" });
  }

  failed(error) {
    this.#tell({ error: error ?? "unknown error" });
  }

  /** The answer went to the caller as bytes: it is known that there was one. */
  unread() {
    this.#tell({ stopReason: "unread" });
  }

  #tell(how) {
    if (this.#isTold) return;
    this.#isTold = true;
    guarded(() => {
      const { content, messages, model, thoughts, error } = this.#answer;
      const told = toldMessages(messages);
      const calls = told.flatMap((message) => message.tool_calls ?? []);
      const duration = monotonicNow() - this.#began;
      const times = { timestamp_ns: this.#timestamp, duration_ns: duration };
      this.#agent[kTellThinking](thoughts, times);
      this.#agent.response({
        model: model ?? this.#model,
        content,
        toolCalls: calls,
        ...(this.#answer.tokens ?? this.#estimate(told, how)),
        timeToFirstTokenNs: this.#firstToken,
        durationNs: duration,
        timestampNs: this.#timestamp,
        error,
        ...how,
      });
      if (isNothing(how.error) && (content || calls.length > 0))
        this.#agent[kTellContext](this.#ctxId, this.#prompt, [...this.#lines, ...told.map(toJson)]);
    });
  }

  /** A stream need not say how many tokens it took, but the budget wants to know. */
  #estimate(told, { error }) {
    if (error !== undefined) return {};
    return {
      requestTokens: estimateTokens(this.#prompt + saidText(this.#messages)),
      responseTokens: estimateTokens(saidText(told)),
    };
  }
}

const saidText = (messages) =>
  messages
    .map(({ content, tool_calls: calls = [] }) => {
      const called = calls.map(({ name, arguments: args }) => name + JSON.stringify(args));
      return content + called.join("");
    })
    .join("");

// Clients of the model APIs: each object is seen through a Proxy that behaves like it.

/** Where the calls to a model are in a client; a leaf is the form of their answers. */
const kChatCalls = { completions: { create: ChatAnswer, parse: ChatAnswer, stream: ChatAnswer } };
const kMessageCalls = { create: MessageAnswer, parse: MessageAnswer, stream: MessageAnswer };
const kModelCalls = {
  chat: kChatCalls,
  messages: kMessageCalls,
  responses: { create: ResponseAnswer, parse: ResponseAnswer, stream: ResponseAnswer },
  beta: { chat: kChatCalls, messages: kMessageCalls },
};

const wrapped = new WeakSet();

/**
 * A client of OpenAI's or of Anthropic's form that tells an agent what it does:
 * `chat.completions.create`, `responses.create`, `messages.create`, `messages.stream`, with and
 * without streaming. It behaves like the client that it is given; all else passes through.
 *
 *     const client = agdb.wrap(new OpenAI());
 *     const other = agdb.wrap(new Anthropic(), { agent, ctxId: 2 });
 *
 * It tells `options.agent`; else the agent in whose `run`, `call` or tool it is used; else the one
 * that was registered last.
 */
export function wrap(client, options) {
  if (!isObject(client) || wrapped.has(client)) return client;
  return guarded(() => seen(client, kModelCalls, options ?? {}), client);
}

const isObject = (value) =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** An object through which one gets what `replace(key, value)` makes of a member, if anything. */
function seenThrough(target, replace) {
  const methods = new Map();
  /** Called on the proxy, a method runs on the object: only that has its private members. */
  const onTarget = (method) => {
    if (!methods.has(method))
      methods.set(
        method,
        new Proxy(method, {
          apply: (fn, self, args) => Reflect.apply(fn, self === proxy ? target : self, args),
        }),
      );
    return methods.get(method);
  };
  const proxy = new Proxy(target, {
    get(object, key) {
      const value = Reflect.get(object, key, object);
      if (isFixed(object, key)) return value;
      const replaced = guarded(() => replace(key, value));
      if (replaced !== undefined) return replaced;
      return typeof value === "function" && key !== "constructor" ? onTarget(value) : value;
    },
    set: (object, key, value) => Reflect.set(object, key, value, object),
  });
  return proxy;
}

/** A Proxy must show such a member as it is. */
function isFixed(object, key) {
  const member = Reflect.getOwnPropertyDescriptor(object, key);
  return member !== undefined && !member.configurable && member.writable === false;
}

/** The same replacement for the same member, so that `client.chat === client.chat`. */
function remembered(make) {
  const made = new Map();
  return (key, value) => {
    const known = made.get(key);
    if (known && known.value === value) return known.replaced;
    const replaced = make(key, value);
    made.set(key, { value, replaced });
    return replaced;
  };
}

function seen(target, calls, options) {
  const proxy = seenThrough(
    target,
    remembered((key, value) => {
      if (key === "withOptions" && typeof value === "function")
        return (...args) => wrap(Reflect.apply(value, target, args), options);
      const inside = Object.hasOwn(calls, key) ? calls[key] : undefined;
      if (typeof inside === "function" && typeof value === "function")
        return seenCall(target, value, inside, options);
      return isRecord(inside) && isObject(value) ? seen(value, inside, options) : undefined;
    }),
  );
  wrapped.add(proxy);
  return proxy;
}

function seenCall(target, method, Answer, { agent, ctxId = 1 }) {
  return new Proxy(method, {
    apply(fn, self, args) {
      const teller = agent ?? currentAgent();
      const exchange = teller?.isOpen
        ? guarded(() => new Exchange(teller, Answer, args[0], ctxId))
        : undefined;
      if (!exchange) return Reflect.apply(fn, target, args);
      let value;
      try {
        value = Reflect.apply(fn, target, args);
      } catch (error) {
        exchange.failed(error);
        throw error;
      }
      return guarded(() => observedAnswer(value, exchange), value);
    },
  });
}

/** A promise, a stream, or the answer itself. */
function observedAnswer(value, exchange) {
  if (isThenable(value))
    return observedThenable(value, {
      settled: (answer) => guarded(() => observedAnswer(answer, exchange), answer),
      failed: (error) => exchange.failed(error),
      unread: () => exchange.unread(),
    });
  if (typeof value?.[Symbol.asyncIterator] !== "function") {
    exchange.whole(value);
    return value;
  }
  if (typeof value.on !== "function") return observedStream(value, exchange);
  observeEmitter(value, exchange);
  return value;
}

/**
 * A promise that tells how it ended, and its value is what `settled` makes of it. One that is more
 * than a promise keeps its own methods, and is not asked before its owner asks it.
 */
function observedThenable(promise, { settled, failed, unread }) {
  const fail = (error) => {
    guarded(() => failed(error));
    throw error;
  };
  if (Object.getPrototypeOf(promise) === Promise.prototype) return promise.then(settled, fail);
  let observed;
  const once = () => (observed ??= Promise.resolve(promise.then(settled, fail)));
  return seenThrough(
    promise,
    remembered((key, value) => {
      if (typeof value !== "function") return undefined;
      if (key === "then") return (onValue, onError) => once().then(onValue, onError);
      if (key === "catch") return (onError) => once().catch(onError);
      if (key === "finally") return (onEnd) => once().finally(onEnd);
      if (key === "parse") return once;
      if (key === "withResponse")
        return async () => {
          const [both, data] = await Promise.all([Reflect.apply(value, promise, []), once()]);
          return { ...both, data };
        };
      if (key === "asResponse" && unread)
        return async () => {
          const response = await Reflect.apply(value, promise, []).catch(fail);
          unread();
          return response;
        };
      return undefined;
    }),
  );
}

/** A stream that is read through here. Each reader of it reads what the stream gives. */
function observedStream(stream, exchange) {
  return seenThrough(
    stream,
    remembered((key, value) => {
      if (typeof value !== "function") return undefined;
      if (key === Symbol.asyncIterator)
        return () => observedIterator(Reflect.apply(value, stream, []), exchange, stream);
      if (key === "tee")
        return () => Reflect.apply(value, stream, []).map((half) => observedStream(half, exchange));
      return undefined;
    }),
  );
}

const kAsyncIterator = Object.getPrototypeOf(
  Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())),
);

function observedIterator(iterator, exchange, stream) {
  const isAborted = () => stream.controller?.signal?.aborted === true;
  const observed = Object.create(kAsyncIterator);
  observed.next = async (...args) => {
    let step;
    try {
      step = await iterator.next(...args);
    } catch (error) {
      exchange.failed(error);
      throw error;
    }
    if (!step.done) exchange.add(step.value);
    else if (isAborted()) exchange.aborted();
    else exchange.ended();
    return step;
  };
  observed.return = async (value) => {
    exchange.aborted();
    return iterator.return ? iterator.return(value) : { done: true, value };
  };
  if (iterator.throw)
    observed.throw = async (error) => {
      exchange.failed(error);
      return iterator.throw(error);
    };
  return observed;
}

/**
 * A stream that calls its listeners, as the helpers of the APIs' own libraries do. No listener for
 * "error": with one, an error that nobody handles would no longer be reported as such.
 */
function observeEmitter(emitter, exchange) {
  emitter.on("streamEvent", (event) => exchange.add(event));
  emitter.on("chunk", (chunk) => exchange.add(chunk));
  emitter.on("event", (event) => exchange.add(event));
  emitter.on("end", () => {
    if (emitter.aborted) exchange.aborted();
    else if (emitter.errored) exchange.failed("the stream failed");
    else exchange.ended();
  });
}
