import path from "node:path";
import type { JSONValue } from "convex/values";
import { onTestFinished } from "vitest";
import { ROOT } from "../../paths.mjs";
import { pushRequest } from "../../pushRequest.mjs";
import { VirtualClock } from "../backend/clock.mjs";
import { createDeployment } from "../backend/deployment.mjs";
import type {
  CallRequest,
  CallResponse,
  DeploymentOptions,
  LogLine,
} from "../backend/types.mjs";

/** A push, as far as tests change it. */
export interface Push {
  appDefinition: {
    changedModules: { path: string; source: string }[];
    schema: { source: string } | null;
  };
}

const pushes = new Map<string, Promise<Push>>();

/** The CLI's bundle of an app in this repository, made once for each test file. */
export function bundle(app: string): Promise<Push> {
  const known =
    pushes.get(app) ??
    // This package as it is, whether or not it is built.
    pushRequest({ app: path.join(ROOT, app), liveSources: true });
  pushes.set(app, known);
  return known;
}

export const WORKFLOW_APP = "tools/local-backend/testing/app";
export const PLATFORM_APP = "tools/local-backend/testing/platformApp";

export type Backend = Awaited<ReturnType<typeof startBackend>>;
type CallOptions = Partial<CallRequest>;

/** A deployment of an app where time passes at once. */
export async function startBackend(
  app: string,
  options: DeploymentOptions & { clock?: VirtualClock } = {},
) {
  const { clock = new VirtualClock() } = options;
  const deployment = createDeployment({ ...options, clock });
  onTestFinished(() => deployment.close());
  const lines: LogLine[] = [];
  deployment.onLog((line) => lines.push(line));
  await deployment.deploy(await bundle(app));

  const call = (
    path: string,
    args: JSONValue = {},
    options: CallOptions = {},
  ): Promise<CallResponse> =>
    deployment.call({ path, args, caller: { admin: true }, ...options });

  /** Returns or throws the same as the function. */
  const run = async (...request: Parameters<typeof call>) => {
    const response = await clock.until(call(...request));
    if (response.status === "success") return response.value;
    throw new Error(response.errorMessage);
  };

  /** The error's message; a function that succeeds fails the test. */
  const failure = async (...request: Parameters<typeof call>) => {
    const response = await clock.until(call(...request));
    if (response.status === "error") return response.errorMessage;
    throw new Error(`${request[0]} returned ${JSON.stringify(response.value)}`);
  };

  /** One field of all rows of a table. */
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
