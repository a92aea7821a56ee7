// @vitest-environment node
import { brotliCompressSync } from "node:zlib";
import { ConvexError } from "convex/values";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  action,
  admin,
  FunctionFailure,
  mutation,
  query,
  startTestServer,
  type TestServer,
} from "./testServer.js";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

test("ConvexHttpClient calls queries, mutations and actions", async () => {
  const { deployment } = server;
  deployment.functions["dir/file:echo"] = ({ args }) => args;
  const client = server.httpClient();
  const args = { big: 1n, text: "é" };
  for (const [kind, result] of [
    ["query", await client.query(query("dir/file:echo"), args)],
    ["mutation", await client.mutation(mutation("dir/file:echo"), args)],
    ["action", await client.action(action("dir/file:echo"), args)],
  ]) {
    expect(result).toEqual(args);
    expect(deployment.calls.shift()).toMatchObject({
      kind,
      path: "dir/file:echo",
      componentPath: "",
      caller: { admin: false },
    });
  }
});

test("ConvexHttpClient's consistent queries see the present", async () => {
  server.deployment.functions["a:b"] = () => 1;
  const client = server.httpClient();
  expect(await client.consistentQuery(query("a:b"))).toBe(1);
});

test("a failing function answers 560 with its message", async () => {
  server.deployment.functions["a:fails"] = () => {
    throw new FunctionFailure("Uncaught Error: boom");
  };
  const response = await server.post("/api/query", { path: "a:fails" });
  expect(response.status).toBe(560);
  expect(await response.json()).toEqual({
    status: "error",
    errorMessage: expect.stringMatching(
      /^\[Request ID: \w+\] Server Error\nUncaught Error: boom$/,
    ),
    logLines: [],
  });
});

test("a ConvexError reaches the client with its data", async () => {
  server.deployment.functions["a:fails"] = () => {
    throw new FunctionFailure("boom", { code: { $integer: "AQAAAAAAAAA=" } });
  };
  const error = await server
    .httpClient()
    .mutation(mutation("a:fails"))
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConvexError);
  expect((error as ConvexError<any>).data).toEqual({ code: 1n });
});

test("an error of the engine itself fails the call, not the server", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  server.deployment.call = async () => {
    throw new Error("bug");
  };
  const response = await server.post("/api/query", { path: "a:b" });
  expect(response.status).toBe(560);
  expect((await response.json()).errorMessage).toContain("bug");
  expect(printed).toHaveBeenCalledOnce();
  printed.mockRestore();
});

test("an admin key passes its acting identity to the engine", async () => {
  server.deployment.functions["a:b"] = ({ caller }) => caller as any;
  const client = server.httpClient();
  const identity = {
    subject: "ann",
    issuer: "here",
    tokenIdentifier: "here|ann",
  };
  (client as any).setAdminAuth("the-key", identity);
  expect(await client.query(query("a:b"))).toEqual({ admin: true, identity });
  (client as any).setAdminAuth("the-key");
  expect(await client.query(query("a:b"))).toMatchObject({ admin: true });
});

test("a user's token is accepted without a check", async () => {
  server.deployment.functions["a:b"] = ({ caller }) => caller as any;
  const claims = { iss: "https://here", sub: "ann", given_name: "A", exp: 1 };
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  const client = server.httpClient();
  client.setAuth(`e30.${payload}.e30`);
  expect(await client.query(query("a:b"))).toEqual({
    admin: false,
    identity: {
      tokenIdentifier: "https://here|ann",
      issuer: "https://here",
      subject: "ann",
      givenName: "A",
    },
  });
});

test("a wrong admin key and an invalid token are refused", async () => {
  for (const [Authorization, status, code] of [
    ["Convex other", 403, "BadDeployKey"],
    ["Bearer e30.e30.e30", 401, "InvalidAuthHeader"],
    ["Bearer nothing", 401, "InvalidAuthHeader"],
    ["Basic x", 401, "InvalidAuthHeader"],
  ] as const) {
    const body = { path: "a:b", args: [{}] };
    const response = await server.post("/api/query", body, { Authorization });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  }
  expect(server.deployment.calls).toEqual([]);
});

test("only the admin key opens components and system functions", async () => {
  server.deployment.functions["a:b"] = () => 1;
  for (const body of [
    { path: "a:b", componentPath: "workflow" },
    { path: "_system/cli/modules:apiSpec" },
  ]) {
    const refused = await server.post("/api/function", body);
    expect(refused.status).toBe(560);
    expect((await refused.json()).errorMessage).toContain("admin key");
    const allowed = await server.post("/api/function", body, admin);
    expect(await allowed.json()).toMatchObject({ status: "success" });
  }
  expect(server.deployment.calls).toMatchObject([
    { path: "a:b", componentPath: "workflow" },
  ]);
});

test("the server accepts compressed bodies, module paths with .js and bare arguments", async () => {
  server.deployment.functions["a:default"] = ({ args }) => args;
  const body = { path: "a.js", args: { x: 1 }, format: "json" };
  const response = await server.request("/api/function", {
    method: "POST",
    headers: { "Content-Encoding": "br" },
    body: brotliCompressSync(JSON.stringify(body)),
  });
  expect(await response.json()).toMatchObject({ value: { x: 1 } });
});

test("the server explains errors in a body", async () => {
  for (const body of ["{", "[]", '{"args":{}}']) {
    const response = await server.request("/api/query", {
      method: "POST",
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "BadJsonBody" });
  }
});

test("the server accepts web pages from any origin", async () => {
  const preflight = await server.request("/api/query", { method: "OPTIONS" });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain(
    "Convex-Client",
  );
});

test("the server refuses unknown requests with a status that the CLI doesn't retry", async () => {
  const response = await server.request("/api/list_snapshot");
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    code: "NotServedLocally",
    message: "GET /api/list_snapshot is not served locally",
  });
});

test("the server reports a port that is in use", async () => {
  const port = Number(new URL(server.url).port);
  await expect(startTestServer({ port })).rejects.toThrow(
    `Port ${port} is taken`,
  );
});
