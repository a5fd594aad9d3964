// The recorded exchanges of fixtures/http/, and clients of the model APIs' shape that answer with them.
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";

const fixtures = new URL("../../fixtures/", import.meta.url);

export function readJson(file) {
  return JSON.parse(readFileSync(new URL(file, fixtures), "utf8"));
}

/** The exchanges of one file: {request, chunks}; a chunk is what one server-sent event carries. */
export function exchangesOf(name) {
  return readJson(`http/${name}.json`).interactions.map(({ request, response }) => ({
    request: request.body,
    chunks: response.body
      .split("\n")
      .filter((line) => line.startsWith("data: ") && line !== "data: [DONE]")
      .map((line) => JSON.parse(line.slice("data: ".length))),
  }));
}

/** A message of Anthropic's form in one piece, from the events of its stream. */
export function messageOf(chunks) {
  const { message } = structuredClone(chunks[0]);
  const inputs = [];
  for (const { type, index, content_block: block, delta, usage } of chunks) {
    if (type === "content_block_start") message.content[index] = { ...block };
    if (delta?.type === "text_delta") message.content[index].text += delta.text;
    if (delta?.type === "thinking_delta") message.content[index].thinking += delta.thinking;
    if (delta?.type === "input_json_delta")
      inputs[index] = (inputs[index] ?? "") + delta.partial_json;
    if (type === "message_delta")
      Object.assign(message, delta, { usage: { ...message.usage, ...usage } });
  }
  for (const [index, input] of inputs.entries())
    if (input) message.content[index].input = JSON.parse(input);
  return message;
}

/** Ends with `failure` in place of the chunk after the last one, if there is one. */
export class StubStream {
  controller = new AbortController();
  #chunks;
  #failure;
  wasReturned = false;

  constructor(chunks, failure) {
    this.#chunks = chunks;
    this.#failure = failure;
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (const chunk of this.#chunks) {
        if (this.controller.signal.aborted) return;
        yield chunk;
      }
      if (this.#failure) throw this.#failure;
    } finally {
      this.wasReturned = true;
    }
  }

  tee() {
    return [new StubStream(this.#chunks), new StubStream(this.#chunks)];
  }

  /** Needs the object itself: a Proxy has no private members. */
  get length() {
    return this.#chunks.length;
  }
}

/** A promise that is more than one, and asks only when it is asked. */
export class StubApiPromise extends Promise {
  #ask;
  #asked;

  constructor(ask) {
    super((resolve) => resolve(null));
    this.#ask = ask;
  }

  static get [Symbol.species]() {
    return Promise;
  }

  parse() {
    return (this.#asked ??= this.#ask());
  }

  asResponse() {
    return Promise.resolve({ status: 200, headers: { "request-id": "req_1" } });
  }

  async withResponse() {
    const [data, response] = await Promise.all([this.parse(), this.asResponse()]);
    return { data, response, request_id: "req_1" };
  }

  then(onValue, onError) {
    return this.parse().then(onValue, onError);
  }

  catch(onError) {
    return this.parse().catch(onError);
  }

  finally(onEnd) {
    return this.parse().finally(onEnd);
  }
}

class StubEndpoint {
  #answer;

  constructor(answer) {
    this.#answer = answer;
  }

  create(body) {
    return new StubApiPromise(async () => this.#answer(body));
  }
}

/** What `messages.stream` gives: a stream that calls its listeners. */
class StubMessageStream extends EventEmitter {
  errored = false;
  aborted = false;
  #finished;

  constructor(chunks, failure) {
    super();
    this.#finished = this.#run(chunks, failure);
    this.#finished.catch(() => {});
  }

  async #run(chunks, failure) {
    await null;
    for (const chunk of chunks) {
      if (this.aborted) break;
      this.emit("streamEvent", chunk, null);
      await null;
    }
    this.errored = Boolean(failure);
    this.emit("end");
    if (failure) throw failure;
    return messageOf(chunks);
  }

  abort() {
    this.aborted = true;
  }

  finalMessage() {
    return this.#finished;
  }

  async *[Symbol.asyncIterator]() {}
}

class StubMessages extends StubEndpoint {
  #streamed;

  constructor(answer, streamed) {
    super(answer);
    this.#streamed = streamed;
  }

  stream(body) {
    const { chunks, failure } = this.#streamed(body);
    return new StubMessageStream(chunks, failure);
  }

  countTokens() {
    return { input_tokens: 7 };
  }
}

/** `answer(body)` is what the promise of `create` resolves to. */
export class StubOpenAI {
  #key = "secret";
  apiKey = "k";

  constructor(answer) {
    this.answer = answer;
    this.chat = { completions: new StubEndpoint(answer) };
    this.models = { list: () => ["m-1"] };
  }

  withOptions() {
    return new StubOpenAI(this.answer);
  }

  hasKey() {
    return this.#key === "secret";
  }
}

export class StubAnthropic {
  constructor(answer, streamed) {
    this.messages = new StubMessages(answer, streamed);
    this.beta = { messages: new StubMessages(answer, streamed) };
  }
}

/** A client that streams an exchange's chunks, or fails after them. */
export const streamingOpenAI = (chunks, failure) =>
  new StubOpenAI(() => new StubStream(chunks, failure));
export const streamingAnthropic = (chunks, failure) =>
  new StubAnthropic(
    () => new StubStream(chunks, failure),
    () => ({ chunks, failure }),
  );

export async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
