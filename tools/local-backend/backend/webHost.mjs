// @ts-check
/** Node's web APIs, which implement those in a function's context. */
import { createHash } from "node:crypto";

/** @type {import("../../../src/client/environment/testing/platformWeb.js").WebHost} */
export const webHost = {
  parseUrl(input, base) {
    if (!URL.canParse(input, base)) return undefined;
    const url = new URL(input, base);
    const parts = URL_PARTS.map((name) => [name, url[name]]);
    return JSON.stringify(Object.fromEntries(parts));
  },
  setUrlPart(href, part, value) {
    const url = new URL(href);
    // Ignores invalid values, and the origin, which can't be set.
    Reflect.set(url, part, value);
    return url.href;
  },
  parseQuery: (query) => JSON.stringify([...new URLSearchParams(query)]),
  formatQuery: (pairs) => new URLSearchParams(JSON.parse(pairs)).toString(),
  encodeText: (text) => new TextEncoder().encode(text),
  decodeText(bytes, label, fatal) {
    try {
      return new TextDecoder(label, { fatal }).decode(bytes);
    } catch {
      return undefined;
    }
  },
  decodeBase64: (text) => orUndefined(() => atob(text)),
  encodeBase64: (text) => orUndefined(() => btoa(text)),
  digest: (algorithm, bytes) =>
    createHash(algorithm.replace("SHA-", "sha")).update(bytes).digest(),
};

/** @type {(keyof URL & string)[]} */
const URL_PARTS = [
  ...["href", "origin", "protocol", "username", "password", "host"],
  ...["hostname", "port", "pathname", "search", "hash"],
].map((name) => /** @type {keyof URL & string} */ (name));

/** @param {() => string} convert */
function orUndefined(convert) {
  try {
    return convert();
  } catch {
    return undefined;
  }
}
