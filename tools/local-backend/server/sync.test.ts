// @vitest-environment node
import { ConvexClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { ConvexError } from "convex/values";
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RawSyncClient } from "./rawSyncClient.js";
import { eventually } from "../testing/eventually.js";
import {
  action,
  FunctionFailure,
  mutation,
  query,
  startTestServer,
  type TestServer,
} from "./testServer.js";

let server: TestServer;
let clients: { close: () => unknown }[];
let counts: { a: number; b: number };

beforeEach(async () => {
  clients = [];
  server = await startTestServer();
  useCounters();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

/** Provides two counters that `counter:add` increments. */
function useCounters() {
  counts = { a: 0, b: 0 };
  const { deployment } = server;
  Object.assign(deployment.functions, {
    "counter:a": () => counts.a,
    "counter:b": () => counts.b,
    "counter:fails": () => {
      throw new FunctionFailure("Uncaught Error: boom", { kind: "boom" });
    },
    "counter:add": ({ args }: { args: any }) => {
      const name: "a" | "b" = args.name;
      counts[name]++;
      deployment.commit();
      return counts[name];
    },
  });
}

function newClient() {
  const client = new ConvexClient(server.url, { logger: false });
  clients.push(client);
  return client;
}

function watch(client: ConvexClient, path: string) {
  const seen: unknown[] = [];
  client.onUpdate(
    query(path),
    {},
    (value) => void seen.push(value),
    (error) => void seen.push(error),
  );
  return seen;
}

async function restartServer() {
  const port = Number(new URL(server.url).port);
  await server.close();
  server = await startTestServer({ port });
  useCounters();
}

test("subscribers see other clients' changes", async () => {
  const seen = watch(newClient(), "counter:a");
  await eventually(() => seen).toEqual([0]);
  await newClient().mutation(mutation("counter:add"), { name: "a" });
  await eventually(() => seen).toEqual([0, 1]);
});

test("a client that mutates has seen the change when its call returns", async () => {
  const client = newClient();
  const seen = watch(client, "counter:a");
  for (let count = 1; count <= 5; count++) {
    const result = await client.mutation(mutation("counter:add"), {
      name: "a",
    });
    expect(result).toBe(count);
    expect(seen.at(-1)).toBe(count);
  }
});

test("a mutation that changes nothing returns too", async () => {
  server.deployment.functions["counter:look"] = () => "nothing";
  const client = newClient();
  expect(await client.mutation(mutation("counter:look"), {})).toBe("nothing");
});

test("only results that changed are sent", async () => {
  const client = await connect();
  client.watch({ 0: "counter:a", 1: "counter:b" });
  await eventually(() => client.ofType("Transition")).toHaveLength(1);
  counts.a = 7;
  server.deployment.commit();
  await eventually(() => client.ofType("Transition")).toHaveLength(2);
  const [first, second] = client.ofType("Transition");
  expect(first.modifications).toHaveLength(2);
  expect(second.modifications).toMatchObject([
    { type: "QueryUpdated", queryId: 0, value: 7 },
  ]);
  expect(second.startVersion).toEqual(first.endVersion);
});

test("a change that affects no query sends nothing", async () => {
  const client = await connect();
  client.watch({ 0: "counter:a" });
  await eventually(() => client.ofType("Transition")).toHaveLength(1);
  const callsBefore = server.deployment.calls.length;
  server.deployment.commit();
  await eventually(() => server.deployment.calls.length).toBeGreaterThan(
    callsBefore,
  );
  // Everything that was sent before this answer has arrived.
  client.mutate(0, "counter:b");
  await eventually(() => client.ofType("MutationResponse")).toHaveLength(1);
  const [, ...later] = client.ofType("Transition");
  expect(later.flatMap((t) => t.modifications)).toEqual([]);
});

test("a query runs again only if a table that it has read was written", async () => {
  const { deployment } = server;
  deployment.reads = { "counter:a": ["/as"], "counter:b": ["/bs", "/cs"] };
  const client = await connect();
  client.watch({ 0: "counter:a", 1: "counter:b" });
  await eventually(() => client.ofType("Transition")).toHaveLength(1);
  deployment.calls = [];
  counts = { a: 1, b: 1 };
  deployment.commit(["/others", "workflow/as"]);
  deployment.commit(["/cs"]);
  await eventually(() => client.ofType("Transition")).toHaveLength(2);
  expect(deployment.calls).toMatchObject([{ path: "counter:b" }]);
  deployment.commit(["/as"]);
  await eventually(() => client.ofType("Transition")).toHaveLength(3);
  expect(deployment.calls).toMatchObject([
    { path: "counter:b" },
    { path: "counter:a" },
  ]);
});

test("a query runs again if its tables were written while it ran", async () => {
  const { deployment } = server;
  deployment.reads = { "counter:a": ["/as"] };
  deployment.functions["counter:a"] = () => {
    const before = counts.a;
    if (before === 0) {
      counts.a = 1;
      deployment.commit(["/as"]);
    }
    return before;
  };
  const seen = watch(newClient(), "counter:a");
  await eventually(() => seen.at(-1)).toBe(1);
});

test("queries of one transition see the same moment", async () => {
  let isTorn = true;
  server.deployment.functions["counter:a"] = () => counts.a;
  server.deployment.functions["counter:b"] = () => {
    // Both change after `counter:a` was read.
    if (isTorn) {
      isTorn = false;
      counts = { a: 1, b: 1 };
      server.deployment.commit();
    }
    return counts.b;
  };
  const client = await connect();
  client.watch({ 0: "counter:a", 1: "counter:b" });
  await eventually(() => client.ofType("Transition")).not.toEqual([]);
  expect(client.ofType("Transition")[0].modifications).toMatchObject([
    { queryId: 0, value: 1 },
    { queryId: 1, value: 1 },
  ]);
});

test("a query that is no longer watched doesn't run again", async () => {
  const client = newClient();
  const seen: unknown[] = [];
  const unwatch = client.onUpdate(query("counter:a"), {}, (value) => {
    seen.push(value);
  });
  await eventually(() => seen).toEqual([0]);
  unwatch();
  // This is handled after the message that removes the query.
  await client.mutation(mutation("counter:add"), { name: "b" });
  const callsBefore = server.deployment.calls.length;
  await client.mutation(mutation("counter:add"), { name: "a" });
  const later = server.deployment.calls.slice(callsBefore);
  expect(later.map(({ path }) => path)).toEqual(["counter:add"]);
});

test("errors of queries, mutations and actions reach the client with their data", async () => {
  const client = newClient();
  const seen = watch(client, "counter:fails");
  await eventually(() => seen).toHaveLength(1);
  const errors = [
    seen[0],
    await client.mutation(mutation("counter:fails"), {}).catch((e) => e),
    await client.action(action("counter:fails"), {}).catch((e) => e),
  ];
  for (const error of errors) {
    expect(error).toBeInstanceOf(ConvexError);
    expect(error).toMatchObject({ data: { kind: "boom" } });
    expect(String(error)).toContain("Uncaught Error: boom");
  }
});

test("a query that keeps failing is reported once, as is its recovery", async () => {
  let line = 1;
  server.deployment.functions["counter:fails"] = () => {
    throw new FunctionFailure(`Uncaught Error: boom\n    at a.ts:${line++}\n`);
  };
  const seen = watch(newClient(), "counter:fails");
  await eventually(() => seen).toHaveLength(1);
  const callsBefore = server.deployment.calls.length;
  server.deployment.commit();
  await eventually(() => server.deployment.calls.length).toBeGreaterThan(
    callsBefore,
  );
  server.deployment.functions["counter:fails"] = () => "well";
  server.deployment.commit();
  await eventually(() => seen.at(-1)).toBe("well");
  expect(seen).toHaveLength(2);
});

test("a client's mutations run in the order of its calls, but its actions run at once", async () => {
  const log: string[] = [];
  const open: Record<string, () => void> = {};
  server.deployment.functions["slow:run"] = ({ args }: any) =>
    new Promise((resolve) => {
      log.push(`${args.name} starts`);
      open[args.name] = () => resolve(null);
    });
  const client = newClient();
  const first = client.mutation(mutation("slow:run"), { name: "m1" });
  const second = client.mutation(mutation("slow:run"), { name: "m2" });
  const act = client.action(action("slow:run"), { name: "action" });
  await eventually(() => [...log].sort()).toEqual([
    "action starts",
    "m1 starts",
  ]);
  open.action?.();
  await act;
  open.m1?.();
  await first;
  await eventually(() => log).toContain("m2 starts");
  open.m2?.();
  await second;
});

test("updates arrive while a mutation of the client still runs", async () => {
  let finish = () => {};
  server.deployment.functions["slow:run"] = () =>
    new Promise((resolve) => (finish = () => resolve(null)));
  const client = newClient();
  const seen = watch(client, "counter:a");
  const running = client.mutation(mutation("slow:run"), {});
  await eventually(() => seen).toEqual([0]);
  counts.a = 1;
  server.deployment.commit();
  await eventually(() => seen).toEqual([0, 1]);
  finish();
  await running;
});

test("clients reconnect to a restarted server and see its data", async () => {
  const client = newClient();
  const seen = watch(client, "counter:a");
  await client.mutation(mutation("counter:add"), { name: "a" });
  await restartServer();
  counts.a = 42;
  await eventually(() => seen.at(-1)).toBe(42);
  await client.mutation(mutation("counter:add"), { name: "a" });
  expect(seen.at(-1)).toBe(43);
});

test("a mutation that is sent again after a lost connection doesn't run twice", async () => {
  const first = await connect("one client");
  first.mutate(5, "counter:add", { name: "a" });
  await eventually(() => counts.a).toBe(1);
  first.cut();

  const second = await connect("one client");
  second.mutate(5, "counter:add", { name: "a" });
  await eventually(() => second.ofType("MutationResponse")).toHaveLength(1);
  expect(second.ofType("MutationResponse")[0]).toMatchObject({
    success: true,
    result: 1,
  });
  expect(counts.a).toBe(1);

  const other = await connect("another client");
  other.mutate(5, "counter:add", { name: "a" });
  await eventually(() => counts.a).toBe(2);
});

test("calls have the identity with which the client authenticated", async () => {
  server.deployment.functions["who:am"] = ({ caller }) => caller as any;
  const client = newClient();
  const seen = watch(client, "who:am");
  await eventually(() => seen.at(-1)).toEqual({ admin: false });
  const identity = { subject: "ann", issuer: "here" };
  (client.client as any).setAdminAuth("the-key", identity);
  expect(await client.mutation(mutation("who:am"), {})).toEqual({
    admin: true,
    identity,
  });
  await eventually(() => seen.at(-1)).toEqual({ admin: true, identity });
});

test("a client can be a user", async () => {
  server.deployment.functions["who:am"] = ({ caller }) => caller as any;
  const client = newClient();
  const seen = watch(client, "who:am");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "here", sub: "ann", iat: now, exp: now + 3600 };
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  client.setAuth(async () => `e30.${payload}.e30`);
  await eventually(() => seen.at(-1)).toMatchObject({
    admin: false,
    identity: { subject: "ann" },
  });
});

test("a result may have a field errorMessage of any type, whose changes arrive", async () => {
  const values = [
    null,
    7,
    { a: 1 },
    "lost\n    at one.js:1",
    "lost\n    at two.js:2",
  ];
  let current = 0;
  server.deployment.functions["jobs:job"] = () => ({
    errorMessage: values[current]!,
  });
  const seen = watch(newClient(), "jobs:job");
  for (const errorMessage of values) {
    await eventually(() => seen.at(-1)).toEqual({ errorMessage });
    current++;
    if (current < values.length) server.deployment.commit();
  }
});

test("a wrong admin key causes an AuthError and grants no rights", async () => {
  server.deployment.functions["who:am"] = ({ caller }) => caller as any;
  const client = await connect();
  client.send({
    ...{ type: "Authenticate", tokenType: "Admin" },
    ...{ value: "wrong", baseVersion: 0 },
  });
  client.mutate(0, "who:am");
  await eventually(() => client.ofType("MutationResponse")).toHaveLength(1);
  expect(client.ofType("AuthError")).toMatchObject([
    { baseVersion: 0, authUpdateAttempted: true },
  ]);
  expect(client.ofType("MutationResponse")).toMatchObject([
    { result: { admin: false } },
  ]);
});

test("an invalid message closes only its own connection", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const [good, bad] = [await connect("good"), await connect("bad")];
  bad.send("{");
  await eventually(() => bad.closed?.code).toBe(1011);
  good.mutate(0, "counter:a");
  await eventually(() => good.ofType("MutationResponse")).toHaveLength(1);
  const early = await connect("early");
  early.send({
    ...{ type: "ModifyQuerySet", modifications: [] },
    ...{ baseVersion: 3, newVersion: 4 },
  });
  await eventually(() => early.closed?.code).toBe(1011);
});

test("ConvexReactClient watches a query and mutates", async () => {
  const client = new ConvexReactClient(server.url, {
    logger: false,
    webSocketConstructor: WebSocket as any,
  });
  clients.push(client);
  const watched = client.watchQuery(query("counter:a"));
  const seen: unknown[] = [];
  watched.onUpdate(() => seen.push(watched.localQueryResult()));
  await eventually(() => seen).toEqual([0]);
  await client.mutation(mutation("counter:add"), { name: "a" });
  expect(seen).toEqual([0, 1]);
});

async function connect(sessionId?: string) {
  const client = new RawSyncClient(server.url);
  clients.push({ close: () => client.cut() });
  return client.connect(sessionId);
}
