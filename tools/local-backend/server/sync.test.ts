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
  tokenOf,
  useTestServer,
} from "./testServer.js";

const used = useTestServer();
let clients: { close: () => unknown }[];
let counts: { a: number; b: number };

beforeEach(() => {
  clients = [];
  useCounters();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(clients.map((client) => client.close()));
});

const deployment = () => used.server.deployment;

/** Provides two counters that `counter:add` increments. */
function useCounters() {
  counts = { a: 0, b: 0 };
  Object.assign(deployment().functions, {
    "counter:a": () => counts.a,
    "counter:b": () => counts.b,
    "counter:fails": () => {
      throw new FunctionFailure("Uncaught Error: boom", { kind: "boom" });
    },
    "counter:add": ({ args }: { args: any }) => {
      const name: "a" | "b" = args.name;
      counts[name]++;
      deployment().commit();
      return counts[name];
    },
    "who:am": ({ caller }: { caller: unknown }) => caller,
  });
}

const add = (client: ConvexClient | ConvexReactClient, name: string) =>
  client.mutation(mutation("counter:add"), { name });

/** Makes queries run again, and waits until one did. */
async function commitInVain() {
  const { calls } = deployment();
  const before = calls.length;
  deployment().commit();
  await eventually(() => calls.length).toBeGreaterThan(before);
}

function newClient() {
  const client = new ConvexClient(used.server.url, { logger: false });
  clients.push(client);
  return client;
}

async function connect(sessionId?: string) {
  const client = new RawSyncClient(used.server.url);
  clients.push({ close: () => client.cut() });
  return client.connect(sessionId);
}

/** A client that watches both counters, once it has their first values. */
async function connectAndWatch() {
  const client = await connect();
  client.watch({ 0: "counter:a", 1: "counter:b" });
  await eventually(() => client.ofType("Transition")).not.toEqual([]);
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

test("subscribers see other clients' changes, and a client that mutates has seen the change when its call returns", async () => {
  deployment().functions["counter:look"] = () => "nothing";
  const client = newClient();
  const seenByOther = watch(newClient(), "counter:a");
  await eventually(() => seenByOther).toEqual([0]);
  const seen = watch(client, "counter:a");
  for (let count = 1; count <= 5; count++) {
    expect(await add(client, "a")).toBe(count);
    expect(seen.at(-1)).toBe(count);
  }
  await eventually(() => seenByOther.at(-1)).toBe(5);
  // One that changes nothing returns, too.
  expect(await client.mutation(mutation("counter:look"), {})).toBe("nothing");

  const react = new ConvexReactClient(used.server.url, {
    logger: false,
    webSocketConstructor: WebSocket as any,
  });
  clients.push(react);
  const watched = react.watchQuery(query("counter:a"));
  const seenByReact: unknown[] = [];
  watched.onUpdate(() => seenByReact.push(watched.localQueryResult()));
  await eventually(() => seenByReact).toEqual([5]);
  await add(react, "a");
  expect(seenByReact).toEqual([5, 6]);
});

test("only results that changed are sent", async () => {
  const client = await connectAndWatch();
  await commitInVain();
  counts.a = 7;
  deployment().commit();
  const changes = () =>
    client.ofType("Transition").filter((t) => t.modifications.length > 0);
  await eventually(changes).toHaveLength(2);
  const [first, second] = changes();
  expect(first.modifications).toHaveLength(2);
  expect(second.modifications).toMatchObject([
    { type: "QueryUpdated", queryId: 0, value: 7 },
  ]);
  const all = client.ofType("Transition");
  for (const [index, { startVersion }] of all.slice(1).entries())
    expect(startVersion).toEqual(all[index].endVersion);
});

test("a query runs again only if a table that it has read was written", async () => {
  deployment().reads = { "counter:a": ["/as"], "counter:b": ["/bs", "/cs"] };
  const client = await connectAndWatch();
  deployment().calls = [];
  counts = { a: 1, b: 1 };
  deployment().commit(["/others", "workflow/as"]);
  deployment().commit(["/cs"]);
  await eventually(() => client.ofType("Transition")).toHaveLength(2);
  expect(deployment().calls).toMatchObject([{ path: "counter:b" }]);
  deployment().commit(["/as"]);
  await eventually(() => client.ofType("Transition")).toHaveLength(3);
  expect(deployment().calls).toMatchObject([
    { path: "counter:b" },
    { path: "counter:a" },
  ]);
});

test("a query runs again if its tables were written while it ran", async () => {
  deployment().reads = { "counter:a": ["/as"] };
  deployment().functions["counter:a"] = () => {
    const before = counts.a;
    if (before === 0) {
      counts.a = 1;
      deployment().commit(["/as"]);
    }
    return before;
  };
  const seen = watch(newClient(), "counter:a");
  await eventually(() => seen.at(-1)).toBe(1);
});

test("queries of one transition see the same moment", async () => {
  let isTorn = true;
  deployment().functions["counter:b"] = () => {
    // Both change after `counter:a` was read.
    if (isTorn) {
      isTorn = false;
      counts = { a: 1, b: 1 };
      deployment().commit();
    }
    return counts.b;
  };
  const client = await connectAndWatch();
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
  await add(client, "b");
  const callsBefore = deployment().calls.length;
  await add(client, "a");
  const later = deployment().calls.slice(callsBefore);
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

test("a query that keeps failing is reported once, as is its recovery, but a result may have a field errorMessage of any type", async () => {
  let line = 1;
  deployment().functions["counter:fails"] = () => {
    throw new FunctionFailure(`Uncaught Error: boom\n    at a.ts:${line++}\n`);
  };
  const seen = watch(newClient(), "counter:fails");
  await eventually(() => seen).toHaveLength(1);
  await commitInVain();
  const results = [null, 7, { a: 1 }, "lost\n    at a:1", "lost\n    at b:2"];
  for (const errorMessage of results) {
    deployment().functions["counter:fails"] = () => ({ errorMessage });
    deployment().commit();
    await eventually(() => seen.at(-1)).toEqual({ errorMessage });
  }
  expect(seen).toHaveLength(1 + results.length);
});

test("a client's mutations run in the order of its calls, but its actions run at once, and updates arrive meanwhile", async () => {
  const log: string[] = [];
  const open: Record<string, () => void> = {};
  deployment().functions["slow:run"] = ({ args }: any) =>
    new Promise((resolve) => {
      log.push(`${args.name} starts`);
      open[args.name] = () => resolve(null);
    });
  const client = newClient();
  const seen = watch(client, "counter:a");
  await eventually(() => seen).toEqual([0]);
  const first = client.mutation(mutation("slow:run"), { name: "m1" });
  const second = client.mutation(mutation("slow:run"), { name: "m2" });
  const act = client.action(action("slow:run"), { name: "action" });
  await eventually(() => [...log].sort()).toEqual([
    "action starts",
    "m1 starts",
  ]);
  open.action?.();
  await act;
  counts.a = 1;
  deployment().commit();
  await eventually(() => seen).toEqual([0, 1]);
  open.m1?.();
  await first;
  await eventually(() => log).toContain("m2 starts");
  open.m2?.();
  await second;
});

test("clients reconnect to a restarted server and see its data", async () => {
  const client = newClient();
  const seen = watch(client, "counter:a");
  await add(client, "a");
  await used.restart();
  useCounters();
  counts.a = 42;
  await eventually(() => seen.at(-1)).toBe(42);
  await add(client, "a");
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

test("a client authenticates as an admin or as a user, and its calls and queries carry the identity from then on", async () => {
  const [admin, user] = [newClient(), newClient()];
  const seen = watch(admin, "who:am");
  await eventually(() => seen.at(-1)).toEqual({ admin: false });
  const identity = { subject: "ann", issuer: "here" };
  (admin.client as any).setAdminAuth("the-key", identity);
  const expected = { admin: true, identity };
  expect(await admin.mutation(mutation("who:am"), {})).toEqual(expected);
  await eventually(() => seen.at(-1)).toEqual(expected);

  const seenByUser = watch(user, "who:am");
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: "here", sub: "ann", iat, exp: iat + 3600 };
  user.setAuth(async () => tokenOf(claims));
  await eventually(() => seenByUser.at(-1)).toMatchObject({
    admin: false,
    identity: { subject: "ann" },
  });
});

test("a wrong admin key causes an AuthError and grants no rights", async () => {
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
