/**
 * Web APIs of a Convex function's context, built on the host's. Bytes are
 * copied as they cross, so no object from another realm stays.
 */
export interface WebHost {
  /** Returns the parts of a URL by name, as JSON, or undefined if it is invalid. */
  parseUrl(input: string, base?: string): string | undefined;
  /** Replaces one part of a URL, and returns the URL unchanged if `value` is invalid. */
  setUrlPart(href: string, part: string, value: string): string;
  /** Returns pairs of name and value, as JSON. */
  parseQuery(query: string): string;
  formatQuery(pairs: string): string;
  encodeText(text: string): Uint8Array;
  /** Returns undefined if the bytes are invalid and `fatal` is set. */
  decodeText(
    bytes: Uint8Array,
    label: string,
    fatal: boolean,
  ): string | undefined;
  /** Returns undefined if the text is invalid. */
  decodeBase64(text: string): string | undefined;
  encodeBase64(text: string): string | undefined;
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
}

type Pair = [string, string];

export function webGlobals(host: WebHost): Record<string, unknown> {
  class URLSearchParams {
    #pairs: Pair[];
    #changed: (query: string) => void = () => {};

    constructor(
      init: string | Iterable<Pair> | Record<string, string> = "",
      changed?: (query: string) => void,
    ) {
      if (changed) this.#changed = changed;
      if (typeof init === "string") {
        this.#pairs = JSON.parse(host.parseQuery(init)) as Pair[];
      } else {
        const pairs =
          Symbol.iterator in init ? [...init] : Object.entries(init);
        this.#pairs = pairs.map(([name, value]) => [`${name}`, `${value}`]);
      }
    }
    get size() {
      return this.#pairs.length;
    }
    append(name: string, value: string) {
      this.#change([...this.#pairs, [`${name}`, `${value}`]]);
    }
    delete(name: string) {
      this.#change(this.#pairs.filter((pair) => pair[0] !== name));
    }
    set(name: string, value: string) {
      const index = this.#pairs.findIndex((pair) => pair[0] === name);
      if (index < 0) return this.append(name, value);
      this.#change(
        this.#pairs.flatMap((pair, i): Pair[] =>
          pair[0] !== name ? [pair] : i === index ? [[name, `${value}`]] : [],
        ),
      );
    }
    get(name: string) {
      return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null;
    }
    getAll(name: string) {
      return this.#pairs.filter((pair) => pair[0] === name).map(([, v]) => v);
    }
    has(name: string) {
      return this.get(name) !== null;
    }
    sort() {
      this.#change(
        this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
      );
    }
    forEach(visit: (value: string, name: string, self: unknown) => void) {
      for (const [name, value] of this.#pairs) visit(value, name, this);
    }
    *entries(): Generator<Pair> {
      for (const [name, value] of this.#pairs) yield [name, value];
    }
    *keys() {
      for (const [name] of this.#pairs) yield name;
    }
    *values() {
      for (const [, value] of this.#pairs) yield value;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return host.formatQuery(JSON.stringify(this.#pairs));
    }
    #change(pairs: Pair[]) {
      this.#pairs = pairs;
      this.#changed(this.toString());
    }
  }

  const parts = new WeakMap<URL, Record<string, string>>();
  const parse = (url: string, base?: string) => {
    const found = host.parseUrl(url, base);
    if (found !== undefined) return JSON.parse(found) as Record<string, string>;
    throw new TypeError(`Invalid URL: '${url}'`);
  };
  const part = (url: URL, name: string) => parts.get(url)![name]!;
  const setPart = (url: URL, name: string, value: unknown) => {
    const href = host.setUrlPart(part(url, "href"), name, String(value));
    parts.set(url, parse(href));
  };
  class URL {
    constructor(url: string | URL, base?: string | URL) {
      parts.set(this, parse(url.toString(), base?.toString()));
    }
    static canParse(url: string, base?: string) {
      return host.parseUrl(String(url), base) !== undefined;
    }
    get searchParams() {
      return new URLSearchParams(part(this, "search"), (query) =>
        setPart(this, "search", query),
      );
    }
    toString() {
      return part(this, "href");
    }
    toJSON() {
      return part(this, "href");
    }
  }
  for (const name of [
    ...["href", "origin", "protocol", "username", "password", "host"],
    ...["hostname", "port", "pathname", "search", "hash"],
  ]) {
    Object.defineProperty(URL.prototype, name, {
      get(this: URL) {
        return part(this, name);
      },
      set(this: URL, value: unknown) {
        setPart(this, name, value);
      },
      enumerable: true,
      configurable: true,
    });
  }

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }
    encode(text = "") {
      return new Uint8Array(host.encodeText(`${text}`));
    }
  }

  class TextDecoder {
    #fatal: boolean;
    constructor(
      readonly encoding = "utf-8",
      options: { fatal?: boolean } = {},
    ) {
      this.#fatal = options.fatal ?? false;
    }
    decode(input?: ArrayBuffer | ArrayBufferView) {
      if (input === undefined) return "";
      const text = host.decodeText(bytesOf(input), this.encoding, this.#fatal);
      if (text !== undefined) return text;
      throw new TypeError("The encoded data was not valid");
    }
  }

  return {
    URL,
    URLSearchParams,
    Headers,
    TextEncoder,
    TextDecoder,
    atob: (text: string) => valid(host.decodeBase64(`${text}`)),
    btoa: (text: string) => valid(host.encodeBase64(`${text}`)),
  };
}

function valid(text: string | undefined): string {
  if (text !== undefined) return text;
  throw new TypeError("The string contains characters that can't be encoded");
}

/** Returns a view of the same memory. */
export function bytesOf(input: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(input)
    ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
    : new Uint8Array(input);
}

export class Headers {
  #values = new Map<string, string>();

  constructor(init: Iterable<Pair> | Record<string, string> = {}) {
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }
  append(name: string, value: string) {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  }
  delete(name: string) {
    this.#values.delete(name.toLowerCase());
  }
  get(name: string) {
    return this.#values.get(name.toLowerCase()) ?? null;
  }
  has(name: string) {
    return this.#values.has(name.toLowerCase());
  }
  set(name: string, value: string) {
    this.#values.set(`${name}`.toLowerCase(), `${value}`.trim());
  }
  forEach(visit: (value: string, name: string, self: unknown) => void) {
    for (const [name, value] of this) visit(value, name, this);
  }
  entries() {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)).values();
  }
  *keys() {
    for (const [name] of this.entries()) yield name;
  }
  *values() {
    for (const [, value] of this.entries()) yield value;
  }
  [Symbol.iterator]() {
    return this.entries();
  }
}
