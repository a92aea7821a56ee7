// @vitest-environment node
import { expect, test } from "vitest";
import {
  PLATFORM_APP,
  startBackend,
  WORKFLOW_APP,
} from "../testing/backend.js";

async function startSite(app: string) {
  const { deployment, clock, ...backend } = await startBackend(app);
  const request = async (method: string, path: string, body = "") => {
    const answer = await clock.until(
      deployment.fetch({
        method,
        url: `http://site${path}`,
        headers: [["x-one", "1"]],
        body: new TextEncoder().encode(body),
      }),
    );
    return { ...answer, body: new TextDecoder().decode(answer.body) };
  };
  return { request, ...backend };
}

test("a request is routed by its path or a prefix, and passes its query, headers, body and response", async () => {
  const { request, column } = await startSite(PLATFORM_APP);
  const response = await request("POST", "/rows", '{ "key": "é" }');
  expect(response).toMatchObject({
    status: 201,
    headers: [["content-type", "application/json"]],
  });
  expect(await column("rows", "_id")).toEqual([JSON.parse(response.body).id]);
  expect(await column("rows", "key")).toEqual(["é"]);
  expect(await request("GET", "/echo/a/b?q=%C3%A9")).toEqual({
    status: 200,
    headers: [["x-two", "2"]],
    body: "/echo/a/b é 1",
  });
  expect(await request("HEAD", "/echo/a")).toMatchObject({ status: 200 });
});

test("a request without a route or a router gets 404, and an HTTP action that fails gets 500 and is logged", async () => {
  const { request, lines } = await startSite(PLATFORM_APP);
  expect(await request("GET", "/rows")).toMatchObject({
    status: 404,
    body: "No matching routes found",
  });
  const other = await startSite(WORKFLOW_APP);
  expect(await other.request("GET", "/rows")).toMatchObject({
    status: 404,
    body: expect.stringContaining("HTTP actions") as unknown,
  });
  expect(await request("GET", "/fails")).toMatchObject({
    status: 500,
    body: expect.stringContaining("Uncaught Error: boom") as unknown,
  });
  expect(lines).toMatchObject([{ level: "ERROR", function: "GET /fails" }]);
});
