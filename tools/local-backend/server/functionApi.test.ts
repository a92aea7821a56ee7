// @vitest-environment node
import { brotliCompressSync } from "node:zlib";
import { ConvexError } from "convex/values";
import { expect, test, vi } from "vitest";
import {
  action,
  admin,
  FunctionFailure,
  mutation,
  query,
  startTestServer,
  tokenOf,
  useTestServer,
} from "./testServer.js";

const used = useTestServer();

test("ConvexHttpClient calls queries, mutations and actions", async () => {
  const { deployment, httpClient } = used.server;
  deployment.functions["dir/file:echo"] = ({ args }) => args;
  const client = httpClient();
  const path = "dir/file:echo";
  const args = { big: 1n, text: "é" };
  for (const [kind, result] of [
    ["query", await client.query(query(path), args)],
    ["query", await client.consistentQuery(query(path), args)],
    ["mutation", await client.mutation(mutation(path), args)],
    ["action", await client.action(action(path), args)],
  ]) {
    expect(result).toEqual(args);
    expect(deployment.calls.shift()).toMatchObject({
      ...{ kind, path, componentPath: "", caller: { admin: false } },
    });
  }
});

test("a failing function answers 560 with its message, and a ConvexError with its data", async () => {
  const { deployment, httpClient, post } = used.server;
  const data = { code: { $integer: "AQAAAAAAAAA=" } };
  deployment.functions["a:fails"] = () => {
    throw new FunctionFailure("Uncaught Error: boom", data);
  };
  const response = await post("/api/query", { path: "a:fails" });
  expect(response.status).toBe(560);
  expect(await response.json()).toEqual({
    status: "error",
    errorMessage: expect.stringMatching(
      /^\[Request ID: \w+\] Server Error\nUncaught Error: boom$/,
    ),
    errorData: data,
    logLines: [],
  });
  const error = await httpClient()
    .mutation(mutation("a:fails"))
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConvexError);
  expect((error as ConvexError<any>).data).toEqual({ code: 1n });
});

test("an error of the engine itself fails the call, not the server", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  used.server.deployment.call = async () => {
    throw new Error("bug");
  };
  const response = await used.server.post("/api/query", { path: "a:b" });
  expect(response.status).toBe(560);
  expect((await response.json()).errorMessage).toContain("bug");
  expect(printed).toHaveBeenCalledOnce();
  printed.mockRestore();
});

test("an admin key passes its acting identity to the engine, and a user's token is accepted without a check", async () => {
  const { deployment, httpClient } = used.server;
  deployment.functions["a:b"] = ({ caller }) => caller as any;
  const client = httpClient();
  const who = () => client.query(query("a:b"));
  const tokenIdentifier = "https://here|ann";
  const identity = { subject: "ann", issuer: "https://here", tokenIdentifier };
  (client as any).setAdminAuth("the-key", identity);
  expect(await who()).toEqual({ admin: true, identity });
  (client as any).setAdminAuth("the-key");
  expect(await who()).toMatchObject({ admin: true });
  const claims = { iss: "https://here", sub: "ann", given_name: "A", exp: 1 };
  client.setAuth(tokenOf(claims));
  expect(await who()).toEqual({
    ...{ admin: false, identity: { ...identity, givenName: "A" } },
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
    const { post } = used.server;
    const response = await post("/api/query", body, { Authorization });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  }
  expect(used.server.deployment.calls).toEqual([]);
});

test("only the admin key opens components and system functions", async () => {
  const { deployment, post } = used.server;
  deployment.functions["a:b"] = () => 1;
  const ofComponent = { path: "a:b", componentPath: "workflow" };
  for (const body of [ofComponent, { path: "_system/cli/modules:apiSpec" }]) {
    const refused = await post("/api/function", body);
    expect(refused.status).toBe(560);
    expect((await refused.json()).errorMessage).toContain("admin key");
    const allowed = await post("/api/function", body, admin);
    expect(await allowed.json()).toMatchObject({ status: "success" });
  }
  expect(deployment.calls).toMatchObject([ofComponent]);
});

test("the server accepts compressed bodies, module paths with .js and bare arguments, and explains errors in a body", async () => {
  const { deployment, request } = used.server;
  deployment.functions["a:default"] = ({ args }) => args;
  const body = { path: "a.js", args: { x: 1 }, format: "json" };
  const response = await request("/api/function", {
    method: "POST",
    headers: { "Content-Encoding": "br" },
    body: brotliCompressSync(JSON.stringify(body)),
  });
  expect(await response.json()).toMatchObject({ value: { x: 1 } });
  for (const body of ["{", "[]", '{"args":{}}']) {
    const refused = await request("/api/query", { method: "POST", body });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: "BadJsonBody" });
  }
});

test("the server accepts web pages from any origin, and refuses unknown requests with a status that the CLI doesn't retry", async () => {
  const { request } = used.server;
  const preflight = await request("/api/query", { method: "OPTIONS" });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain(
    "Convex-Client",
  );
  const response = await request("/api/list_snapshot");
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    code: "NotServedLocally",
    message: "GET /api/list_snapshot is not served locally",
  });
});

test("the server reports a port that is in use", async () => {
  const port = Number(new URL(used.server.url).port);
  await expect(startTestServer({ port })).rejects.toThrow(
    `Port ${port} is taken`,
  );
});
