import type { JSONValue } from "convex/values";
import { inject, onTestFinished } from "vitest";
import { VirtualClock } from "../backend/clock.mjs";
import { createDeployment } from "../backend/deployment.mjs";
import type {
  CallRequest,
  CallResponse,
  DeploymentOptions,
  LogLine,
} from "../backend/types.mjs";
import { bundleIn } from "./bundles.js";

/** The parts of a push that tests change. */
export interface Push {
  appDefinition: {
    changedModules: { path: string; source: string }[];
    schema: { source: string } | null;
  };
}

const pushes = new Map<string, Promise<Push>>();

/** Returns the CLI's bundle of an app in this repository, read once per test file. */
export function bundle(app: string): Promise<Push> {
  const known =
    pushes.get(app) ?? (bundleIn(inject("bundles"), app) as Promise<Push>);
  pushes.set(app, known);
  return known;
}

export const WORKFLOW_APP = "tools/local-backend/testing/app";
export const PLATFORM_APP = "tools/local-backend/testing/platformApp";

export type Backend = Awaited<ReturnType<typeof startBackend>>;
type CallOptions = Partial<CallRequest>;

type Options = DeploymentOptions & { clock?: VirtualClock };

/** Starts a deployment of an app, which closes with the test. Time is virtual unless functions run in threads. */
export async function startBackend(app: string, options: Options = {}) {
  const backend = await openBackend(app, options);
  onTestFinished(() => backend.deployment.close());
  return backend;
}

/** The same, but the caller must close it. */
export async function openBackend(app: string, options: Options = {}) {
  const { threads, clock = new VirtualClock() } = options;
  const deployment = createDeployment({
    // This machine's speed must not matter.
    ...(threads ? { codeTimeoutMs: 60_000 } : { clock }),
    ...options,
  });
  const lines: LogLine[] = [];
  deployment.onLog((line) => lines.push(line));
  await deployment.deploy(await bundle(app));

  const call = (
    path: string,
    args: JSONValue = {},
    options: CallOptions = {},
  ): Promise<CallResponse> =>
    deployment.call({ path, args, caller: { admin: true }, ...options });

  const answer = (...request: Parameters<typeof call>) => {
    const answering = call(...request);
    return threads ? answering : clock.until(answering);
  };

  /** Returns or throws the same as the function. */
  const run = async (...request: Parameters<typeof call>) => {
    const response = await answer(...request);
    if (response.status === "success") return response.value;
    throw new Error(response.errorMessage);
  };

  /** Returns the error's message. If the function succeeds, the test fails. */
  const failure = async (...request: Parameters<typeof call>) => {
    const response = await answer(...request);
    if (response.status === "error") return response.errorMessage;
    throw new Error(`${request[0]} returned ${JSON.stringify(response.value)}`);
  };

  /** Returns one field of all rows of a table. */
  const column = async (
    table: string,
    field: string,
    componentPath?: string,
  ) => {
    const rows = await deployment.rows(table, componentPath);
    return rows.map((row: Record<string, unknown>) => row[field]);
  };

  return { clock, deployment, lines, call, run, failure, column };
}
