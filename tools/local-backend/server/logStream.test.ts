// @vitest-environment node
import { expect, test } from "vitest";
import { admin, useTestServer } from "./testServer.js";

const used = useTestServer();

async function logsAfter(cursor: number) {
  const response = await used.server.request(
    `/api/stream_function_logs?cursor=${cursor}`,
    { headers: admin },
  );
  return (await response.json()) as { entries: any[]; newCursor: number };
}

const messages = (entries: any[]) =>
  entries.flatMap(({ logLines }) => logLines[0].messages);

test("a new reader gets the history at once, then new lines", async () => {
  used.server.deployment.log({ message: "first" });
  const history = await logsAfter(0);
  expect(messages(history.entries)).toEqual(["first"]);

  const next = logsAfter(history.newCursor);
  used.server.deployment.log({ message: "second" });
  used.server.deployment.log({ message: "third" });
  const { entries, newCursor } = await next;
  const rest = entries.length === 1 ? await logsAfter(newCursor) : undefined;
  expect([...messages(entries), ...messages(rest?.entries ?? [])]).toEqual([
    "second",
    "third",
  ]);
});

test("after a restart, a reader continues with the new server's lines", async () => {
  const { newCursor } = await logsAfter(0);
  await used.restart();
  const next = logsAfter(newCursor);
  used.server.deployment.log({ message: "after" });
  expect(messages((await next).entries)).toEqual(["after"]);
});

test("a line names the function that printed it, and its kind", async () => {
  used.server.deployment.functions["dir/file:watch"] = () => null;
  const line = { componentPath: "workflow", function: "dir/file:watch" };
  used.server.deployment.log({ ...line, level: "WARN", message: "careful" });
  const { entries } = await logsAfter(0);
  expect(entries).toMatchObject([
    {
      udfType: "Query",
      identifier: "dir/file:watch",
      componentPath: "workflow",
      logLines: [{ level: "WARN", messages: ["careful"] }],
    },
  ]);
});

test("stopping the server answers waiting readers", async () => {
  const { newCursor } = await logsAfter(0);
  const next = logsAfter(newCursor).catch(() => "gone");
  // The request must arrive before the server stops.
  await used.server.request("/version");
  await used.restart();
  await next;
});
