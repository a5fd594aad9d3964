// A daemon that speaks the protocol of ipc/README.md as far as an agent sees it, and remembers what it was told.
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

export class FakeDaemon {
  /** Every message, in the order of arrival. */
  messages = [];
  /** By method: what is answered in place of the usual result; undefined = nothing, an Error = that error. */
  answers = {};
  /** What is sent before each answer, and in place of it. */
  prefix = "";
  rawAnswer;
  #server;
  #sockets = new Set();
  #watchers = new Set();
  #lastPid = 0;

  /** Listens on a socket of its own, at which AGDB_SOCKET points until the test ends. */
  static async start(test) {
    const daemon = new FakeDaemon();
    const folder = mkdtempSync(path.join(os.tmpdir(), "agdb-node-"));
    daemon.path = path.join(folder, "agdb.sock");
    await daemon.#listen();
    const before = process.env.AGDB_SOCKET;
    process.env.AGDB_SOCKET = daemon.path;
    test.after(() => {
      if (before === undefined) delete process.env.AGDB_SOCKET;
      else process.env.AGDB_SOCKET = before;
      daemon.die();
      rmSync(folder, { recursive: true });
    });
    return daemon;
  }

  #listen() {
    this.#server = net.createServer((socket) => this.#accept(socket));
    return new Promise((resolve) => this.#server.listen(this.path, resolve));
  }

  #accept(socket) {
    let input = "";
    this.#sockets.add(socket);
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      const lines = (input + text).split("\n");
      input = lines.pop();
      for (const line of lines) this.#take(JSON.parse(line), socket);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#wake();
    });
    if (this.isDeaf) socket.pause();
    this.#wake();
  }

  #take(message, socket) {
    this.messages.push(message);
    if (message.id !== undefined) this.#answer(message, socket);
    this.#wake();
  }

  async #answer({ id, method, params }, socket) {
    const result =
      method in this.answers ? await this.answers[method](params) : this.#usual(method);
    if (result === undefined) return;
    const outcome =
      result instanceof Error ? { error: { code: -32002, message: result.message } } : { result };
    socket.write(
      this.rawAnswer ?? `${this.prefix}${JSON.stringify({ jsonrpc: "2.0", id, ...outcome })}\n`,
    );
  }

  #usual(method) {
    if (method === "agent.register")
      return { pid: ++this.#lastPid, record_id: "", version: "0.1.0" };
    return method === "agent.gate" ? { go: true } : {};
  }

  #wake() {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Resolves when `is()` is true; it is looked at with each message and each coming and going. */
  until(is) {
    return new Promise((resolve) => {
      const watcher = () => {
        if (!is()) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  get connections() {
    return this.#sockets.size;
  }

  of(method) {
    return this.messages.filter((message) => message.method === method);
  }

  /** The params of all messages of a method. */
  told(method) {
    return this.of(method).map(({ params }) => params);
  }

  /** What the daemon would know as an agent's context: the rules of `agent.context`. */
  contextOf(pid, ctx = 1) {
    const context = { system_prompt: "", messages: [] };
    for (const params of this.told("agent.context")) {
      if (params.pid !== pid || params.ctx_id !== ctx) continue;
      if (params.keep > context.messages.length) throw new Error(`keep ${params.keep} is too much`);
      context.system_prompt = params.system_prompt ?? context.system_prompt;
      context.messages = [...context.messages.slice(0, params.keep ?? 0), ...params.messages];
    }
    return context;
  }

  /** Reads no more: what is told piles up. */
  stopReading() {
    this.isDeaf = true;
    for (const socket of this.#sockets) socket.pause();
  }

  readOn() {
    this.isDeaf = false;
    for (const socket of this.#sockets) socket.resume();
  }

  die() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
