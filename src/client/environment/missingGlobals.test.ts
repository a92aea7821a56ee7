import { expect, test } from "vitest";
import { explainMissingGlobal, MISSING_GLOBALS } from "./missingGlobals.js";

/** Returns the error of `body` under a handler's globals. */
function errorOf(body: string): unknown {
  // Compiled from a string, because V8's messages quote the source, which Vite might rewrite.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function(
    ...MISSING_GLOBALS,
    "globalThis",
    `"use strict"; ${body}`,
  ) as (...globals: unknown[]) => unknown;
  try {
    run(...MISSING_GLOBALS.map(() => undefined), {});
  } catch (error) {
    return error;
  }
  throw new Error(`"${body}" should fail`);
}

test.each([
  ["process.env.SECRET", "process"],
  ["globalThis.process.env", "process"],
  ["process.env.SECRET = 1", "process"],
  ["process.exitCode = 1", "process"],
  ["process.nextTick(() => {})", "process"],
  ["process()", "process"],
  ["const { env } = process", "process"],
  ["const { anything } = process", "process"],
  ["const { ...all } = crypto; all", "crypto"],
  ["crypto.randomUUID()", "crypto"],
  ["globalThis.crypto.randomUUID()", "crypto"],
  ["crypto.getRandomValues(new Uint8Array(1))", "crypto"],
  ["crypto.subtle.digest('SHA-256', new Uint8Array(1))", "crypto"],
  ["const { randomUUID } = globalThis.crypto", "crypto"],
  ["new Crypto()", "Crypto"],
  ["Crypto()", "Crypto"],
  ["new globalThis.Crypto()", "Crypto"],
  ["new CryptoKey()", "CryptoKey"],
  ["new SubtleCrypto()", "SubtleCrypto"],
])("%s is explained", (body, global) => {
  const explanation = explainMissingGlobal(errorOf(body));
  expect(explanation).toContain(
    `\`${global}\` is not available inside a workflow handler`,
  );
  expect(explanation).toMatch(/each time the handler is replayed/);
  expect(explanation).toMatch(
    /step\.runQuery, step\.runMutation or step\.runA/,
  );
});

test.each([
  ["process is not defined", "process"],
  ["crypto is not defined", "crypto"],
  ["CryptoKey is not defined", "CryptoKey"],
])("an absent global is explained: %s", (message, global) => {
  expect(explainMissingGlobal(new ReferenceError(message))).toContain(
    `\`${global}\` is not available`,
  );
});

test("a property that may belong to another object gets a conditional explanation", () => {
  const explanation = explainMissingGlobal(errorOf("process.env.SECRET"));
  expect(explanation).toMatch(/^If this was about `process\.env`: /);
  const sure = explainMissingGlobal(errorOf("new Crypto()"));
  expect(sure).toMatch(/^`Crypto` is not/);
});

test("a missing method of crypto is explained", () => {
  const error = new TypeError("crypto.randomUUID is not a function");
  expect(explainMissingGlobal(error)).toMatch(/^`crypto` is not available/);
});

test.each([
  new TypeError("Cannot read properties of undefined (reading 'name')"),
  new TypeError("Cannot read properties of null (reading 'env')"),
  new TypeError("Cannot read properties of undefined (reading 'toString')"),
  new TypeError("Cannot read properties of undefined (reading 'constructor')"),
  new TypeError("processOrder is not a function"),
  new TypeError("process.order is not a function"),
  new TypeError("order.process is not a function"),
  new TypeError(
    "Cannot destructure property 'id' of 'order' as it is undefined.",
  ),
  new ReferenceError("fetchAll is not defined"),
  new Error("Cannot read properties of undefined (reading 'randomUUID')"),
  new Error(
    "Uncaught TypeError: Cannot read properties of undefined (reading 'env')",
  ),
  "process is not defined",
  undefined,
  null,
  42,
  {},
])("%s is not", (error) => {
  expect(explainMissingGlobal(error)).toBe(undefined);
});
