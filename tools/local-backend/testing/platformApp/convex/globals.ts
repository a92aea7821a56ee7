/** Functions that report the globals and the identity that they see. */
import {
  actionGeneric as action,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { api, child } from "./references.js";

export const descriptors = query({
  args: {},
  handler: async () =>
    [
      ...["crypto", "Crypto", "SubtleCrypto", "Date", "process", "Buffer"],
      ...["setImmediate", "queueMicrotask", "MessageChannel", "require"],
    ].map((name) => {
      const found = Object.getOwnPropertyDescriptor(globalThis, name);
      return [
        name,
        found === undefined
          ? "absent"
          : found.get && !found.set
            ? "getter"
            : found.writable
              ? "writable"
              : "read-only",
      ].join(" ");
    }),
});

export const codeFromStrings = query({
  args: {},
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  handler: async () => new Function("return 1")() as number,
});

export const stack = query({
  args: {},
  handler: async () => new Error("boom").stack,
});

export const random = query({
  args: {},
  handler: async () => [Math.random(), crypto.randomUUID()],
});

export const environment = query({
  args: {},
  handler: async (ctx) => [
    process.env.GREETING,
    (await ctx.runQuery(child.notes.environment, {})) as unknown,
  ],
});

export const identity = query({
  args: {},
  handler: async (ctx) => [
    (await ctx.auth.getUserIdentity())?.name,
    (await ctx.runQuery(api.globals.nestedIdentity, {})) as unknown,
    (await ctx.runQuery(child.notes.identity, {})) as unknown,
  ],
});

/** Returns the identity in an action, and in its calls in the app and in a component. */
export const identityInAction = action({
  args: {},
  handler: async (ctx) => [
    (await ctx.auth.getUserIdentity())?.name,
    (await ctx.runQuery(api.globals.nestedIdentity, {})) as unknown,
    (await ctx.runQuery(child.notes.identity, {})) as unknown,
  ],
});

export const prints = mutation({
  args: { lines: v.number(), nested: v.number() },
  handler: async (ctx, { lines, nested }) => {
    for (let i = 0; i < lines; i++) console.log(`line ${i}`);
    if (nested > 0)
      await ctx.runMutation(api.globals.prints, { lines: nested, nested: 0 });
    console.log("last");
  },
});

export const printsInAction = action({
  args: { lines: v.number() },
  handler: async (ctx, { lines }) => {
    for (let i = 0; i < lines; i++) console.log(`line ${i}`);
    await ctx.runMutation(api.globals.prints, { lines, nested: 0 });
  },
});

export const printsLong = mutation({
  args: {},
  handler: async () => console.log("x".repeat(40_000)),
});

export const nestedIdentity = query({
  args: {},
  handler: async (ctx) => (await ctx.auth.getUserIdentity())?.name,
});

let calls = 0;

export const countCalls = mutation({
  args: {},
  handler: async () => ++calls,
});

export const webApis = query({
  args: {},
  handler: async () => {
    const url = new URL("/a?x=1#h", "https://example.com:8080/b");
    url.searchParams.append("y", "ü &");
    const bytes = new TextEncoder().encode("grüße");
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    const headers = new Headers({ "X-One": "1" });
    headers.append("x-one", "2");
    return [
      url.href,
      url.hostname,
      new TextDecoder().decode(bytes),
      new Uint8Array(digest).length,
      headers.get("X-ONE"),
      atob(btoa("text")),
      structuredClone({ a: [new Date(5)] }).a[0]?.getTime(),
      url instanceof URL && bytes instanceof Uint8Array,
    ];
  },
});

export const asyncContext = query({
  args: {},
  handler: async (ctx) => {
    const Storage = Reflect.get(globalThis, "AsyncLocalStorage") as new () => {
      run<R>(store: string, callback: () => R): R;
      getStore(): string | undefined;
    };
    const storage = new Storage();
    const read = async () => {
      await ctx.db.query("rows").first();
      return storage.getStore();
    };
    const [a, b] = [storage.run("a", read), storage.run("b", read)];
    return [await a, await b, storage.getStore() ?? null];
  },
});

export const timers = action({
  args: {},
  handler: async () => {
    const began = Date.now();
    const fired: string[] = [];
    const interval = setInterval(() => fired.push("interval"), 40);
    const never = setTimeout(() => fired.push("never"), 20);
    clearTimeout(never);
    await new Promise((resolve) => setTimeout(resolve, 100));
    clearInterval(interval);
    return [Date.now() - began, fired];
  },
});

export const post = action({
  args: { url: v.string() },
  handler: async (_ctx, { url }) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "ping",
    });
    return [response.status, response.ok, await response.json()] as unknown[];
  },
});

/** Returns `performance.now()` before and after nested calls. */
export const elapsed = mutation({
  args: { calls: v.number() },
  handler: async (ctx, { calls }) => {
    const times = [performance.now()];
    for (let i = 0; i < calls; i++) {
      await ctx.runQuery(api.globals.nestedIdentity, {});
      times.push(performance.now());
    }
    return times;
  },
});

export const elapsedInQuery = query({
  args: {},
  handler: async (ctx) => {
    const before = performance.now();
    await ctx.runQuery(api.globals.nestedIdentity, {});
    return performance.now() - before;
  },
});

export const elapsedInAction = action({
  args: {},
  handler: async () => {
    const before = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 25));
    return performance.now() - before;
  },
});
