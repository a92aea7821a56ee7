import { bytesOf, Headers } from "./platformWeb.js";

/** Host functions that only an action's context has, unlike a query's or a mutation's. */
export interface ActionHost {
  sleep(ms: number, done: () => void): void;
  /**
   * @param request JSON of `{ url, method, headers }`
   * @param reply with JSON of `{ url, status, statusText, headers }`, or an error
   */
  fetch(
    request: string,
    body: Uint8Array | undefined,
    reply: (
      error: string | undefined,
      response: string,
      body?: Uint8Array,
    ) => void,
  ): void;
}

interface TextCoding {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
}

/** The part of a `ReadableStream` that bodies use. If the runtime has no such class, no body is a stream. */
interface Stream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: ArrayBuffer | ArrayBufferView }>;
  };
}

type Body = string | ArrayBuffer | ArrayBufferView | Stream | null | undefined;
interface RequestInit {
  method?: string;
  signal?: AbortSignal | null;
  headers?: Record<string, string> | Headers;
  body?: Body;
}
interface ResponseInit {
  url?: string;
  status?: number;
  statusText?: string;
  headers?: Record<string, string> | Headers | [string, string][];
}

export function actionGlobals(
  host: ActionHost,
  text: TextCoding,
): Record<string, unknown> {
  const toBytes = (body: Exclude<Body, Stream>) =>
    body === null || body === undefined
      ? undefined
      : typeof body === "object" &&
          (ArrayBuffer.isView(body) || "byteLength" in body)
        ? bytesOf(body)
        : text.encode(String(body));

  class BodyReader {
    #bytes: Uint8Array | undefined;
    #stream: Stream | undefined;
    bodyUsed = false;
    readonly headers: Headers;

    constructor(body: Body, headers: Headers) {
      if (isStream(body)) this.#stream = body;
      else this.#bytes = toBytes(body);
      this.headers = headers;
    }
    get body(): Stream | null {
      const bytes = this.#bytes;
      if (bytes !== undefined) this.#stream ??= streamOf(bytes);
      return this.#stream ?? null;
    }
    async arrayBuffer() {
      if (this.bodyUsed) throw new TypeError("The body has been read already");
      this.bodyUsed = (this.#stream ?? this.#bytes) !== undefined;
      return this.#stream
        ? await read(this.#stream)
        : new Uint8Array(this.#bytes ?? []).buffer;
    }
    async text() {
      return text.decode(new Uint8Array(await this.arrayBuffer()));
    }
    async json() {
      return JSON.parse(await this.text()) as unknown;
    }
  }

  class Request extends BodyReader {
    readonly url: string;
    readonly method: string;
    constructor(input: unknown, init: RequestInit = {}) {
      super(init.body, new Headers(init.headers));
      this.url = input instanceof Request ? input.url : String(input);
      this.method = (init.method ?? "GET").toUpperCase();
    }
  }

  class Response extends BodyReader {
    readonly url: string;
    readonly status: number;
    readonly statusText: string;
    constructor(body?: Body, init: ResponseInit = {}) {
      super(body, new Headers(init.headers));
      this.url = init.url ?? "";
      this.status = init.status ?? 200;
      this.statusText = init.statusText ?? "";
    }
    get ok() {
      return this.status >= 200 && this.status < 300;
    }
    static json(value: unknown, init: ResponseInit = {}) {
      const headers = new Headers(init.headers);
      headers.set("content-type", "application/json");
      return new Response(JSON.stringify(value), { ...init, headers });
    }
  }

  async function fetch(input: unknown, init?: RequestInit) {
    const request =
      input instanceof Request && !init ? input : new Request(input, init);
    const { url, method } = request;
    const headers = [...request.headers];
    const sent = new Uint8Array(await request.arrayBuffer());
    const signal = init?.signal;
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      host.fetch(
        JSON.stringify({ url, method, headers }),
        sent.byteLength > 0 ? sent : undefined,
        (error, response, body) => {
          if (error !== undefined) return reject(new TypeError(error));
          const copy = body && new Uint8Array(body);
          resolve(new Response(copy, JSON.parse(response) as ResponseInit));
        },
      );
    });
  }

  return { Request, Response, fetch, ...timers(host) };
}

function isStream(body: Body): body is Stream {
  return typeof body === "object" && body !== null && "getReader" in body;
}

function streamOf(bytes: Uint8Array): Stream {
  const { ReadableStream } = globalThis as unknown as {
    ReadableStream: new (source: {
      start(controller: {
        enqueue(chunk: Uint8Array): void;
        close(): void;
      }): void;
    }) => Stream;
  };
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(bytes));
      controller.close();
    },
  });
}

async function read(stream: Stream): Promise<ArrayBuffer> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    chunks.push(bytesOf(value));
  }
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all.buffer;
}

function timers(host: ActionHost) {
  let lastId = 0;
  const active = new Set<number>();
  const start = (
    callback: (...args: unknown[]) => void,
    ms: number,
    args: unknown[],
    repeats: boolean,
  ) => {
    const id = ++lastId;
    active.add(id);
    const wait = () =>
      void new Promise<void>((resolve) => host.sleep(ms, resolve)).then(() => {
        if (!active.has(id)) return;
        if (repeats) wait();
        else active.delete(id);
        callback(...args);
      });
    wait();
    return id;
  };
  const stop = (id: number) => void active.delete(id);
  return {
    setTimeout: (callback: () => void, ms = 0, ...args: unknown[]) =>
      start(callback, ms, args, false),
    setInterval: (callback: () => void, ms = 0, ...args: unknown[]) =>
      start(callback, ms, args, true),
    clearTimeout: stop,
    clearInterval: stop,
  };
}
