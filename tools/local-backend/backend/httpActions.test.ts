// @vitest-environment node
import { expect, test } from "vitest";
import {
  PLATFORM_APP,
  startBackend,
  WORKFLOW_APP,
} from "../testing/backend.js";

async function startSite(app: string) {
  const { deployment, clock, column, lines } = await startBackend(app);
  const request = async (method: string, path: string, body = "") => {
    const { status, headers, ...response } = await clock.until(
      deployment.fetch({
        method,
        url: `http://site${path}`,
        headers: [["x-one", "1"]],
        body: new TextEncoder().encode(body),
      }),
    );
    const text = new TextDecoder().decode(response.body);
    return { status, headers, text };
  };
  return { request, column, lines };
}

test("a request is routed by its path, and its body and answer pass", async () => {
  const { request, column } = await startSite(PLATFORM_APP);
  const response = await request("POST", "/rows", '{ "key": "é" }');
  expect(response).toMatchObject({
    status: 201,
    headers: [["content-type", "application/json"]],
  });
  expect(await column("rows", "_id")).toEqual([JSON.parse(response.text).id]);
  expect(await column("rows", "key")).toEqual(["é"]);
});

test("a request is routed by a prefix of its path, with its query and headers", async () => {
  const { request } = await startSite(PLATFORM_APP);
  expect(await request("GET", "/echo/a/b?q=%C3%A9")).toEqual({
    status: 200,
    headers: [["x-two", "2"]],
    text: "/echo/a/b é 1",
  });
});

test("a HEAD request is routed as a GET", async () => {
  const { request } = await startSite(PLATFORM_APP);
  expect(await request("HEAD", "/echo/a")).toMatchObject({ status: 200 });
});

test("what is not routed, and an app without a router, are 404", async () => {
  const { request } = await startSite(PLATFORM_APP);
  expect(await request("GET", "/rows")).toMatchObject({
    status: 404,
    text: "No matching routes found",
  });
  const { request: requestOther } = await startSite(WORKFLOW_APP);
  expect(await requestOther("GET", "/rows")).toMatchObject({
    status: 404,
    text: expect.stringContaining("HTTP actions") as unknown,
  });
});

test("an HTTP action that fails is 500, and logged", async () => {
  const { request, lines } = await startSite(PLATFORM_APP);
  const { status, text } = await request("GET", "/fails");
  expect(status).toBe(500);
  expect(text).toContain("Uncaught Error: boom");
  expect(lines).toMatchObject([{ level: "ERROR", function: "GET /fails" }]);
});
