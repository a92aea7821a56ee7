import type { WorkflowStatus } from "@convex-dev/workflow";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import type { FunctionReference } from "convex/server";
import { expect, onTestFinished } from "vitest";
import { copyExample } from "./appCopy.js";
import { killLeftovers, startConvex, startPushedDev } from "./devProcess.js";
import { eventually } from "./eventually.js";

export type RunningExample = Awaited<ReturnType<typeof startExample>>;

type StatusQuery = FunctionReference<
  "query",
  any,
  { workflowId: any },
  WorkflowStatus
>;

/** Starts a copy of the example on a local server, with clients that have its admin key. */
export async function startExample() {
  const { app, remove } = await copyExample();
  const { dev, url, siteUrl, adminKey } = await startPushedDev(app);
  const http = new ConvexHttpClient(url, { logger: false });
  const client = new ConvexClient(url, { logger: false });
  (http as any).setAdminAuth(adminKey);
  (client.client as any).setAdminAuth(adminKey);

  async function stop() {
    await client.close();
    await dev.stop();
    killLeftovers();
    await remove();
  }

  /** Returns the result that `npx convex run` prints. */
  async function runInCli(path: string, args: object, ...options: string[]) {
    const json = JSON.stringify(args);
    const cli = startConvex(app, "run", ...options, path, json);
    expect(await cli.exits(), cli.output).toBe(0);
    return cli.stdout === "" ? null : JSON.parse(cli.stdout);
  }

  function call(
    reference: FunctionReference<"mutation", "internal">,
    args: object,
  ) {
    return http.mutation(reference as any, args as any);
  }

  /** Subscribes to a run's status until the test ends. */
  function watchStatus(status: StatusQuery, workflowId: string) {
    const seen: WorkflowStatus[] = [];
    // The function is internal, so this needs the admin key.
    const unsubscribe = client.onUpdate(
      status as any,
      { workflowId } as any,
      (update: any) => void seen.push(update),
      // The run may be cleaned up, so ignore errors.
      () => {},
    );
    onTestFinished(() => unsubscribe());
    return {
      seen,
      until: async (expected: object) => {
        await eventually(() => seen.at(-1)).toMatchObject(expected);
      },
    };
  }

  const urls = { url, siteUrl, adminKey };
  const calls = { http, client, runInCli, call, watchStatus };
  return { app, dev, ...urls, ...calls, stop };
}
