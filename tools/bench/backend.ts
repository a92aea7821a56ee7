import batchWorker from "@convex-dev/batch-worker/test";
import workpool from "@convex-dev/workpool/test";
import { convexTest } from "convex-test";
import type { FunctionReference } from "convex/server";
import { progress } from "./app/progress.js";
import { components } from "./app/references.js";
import { defineRuns } from "./app/runs.js";
import * as steps from "./app/steps.js";
import { defineWorkflows } from "./app/workflows.js";
import { clock } from "./clock.js";
import type { Package } from "./packages/package.js";
import { recordFunctions, type Modules } from "./recording/functions.js";
import { recordOperations } from "./recording/operations.js";
import { recorder } from "./recording/recorder.js";
import { quiet, seedRandom } from "./environment.js";

type Mutation = FunctionReference<"mutation", any>;
type Query = FunctionReference<"query", any>;

/** The part of convex-test that this uses. */
export interface Backend {
  mutation(reference: Mutation, args: object): Promise<any>;
  query(reference: Query, args: object): Promise<any>;
}

/** Creates identical backends that run the app on one release. */
export class Backends {
  private constructor(
    readonly installed: Package,
    private readonly app: Modules,
    private readonly nested: {
      path: string;
      schema: never;
      modules: Modules;
    }[],
  ) {}

  static async with(installed: Package): Promise<Backends> {
    const { client } = installed;
    const app = {
      "./_generated/api.js": async () => ({}),
      "./steps.ts": async () => steps,
      "./workflows.ts": async () => defineWorkflows(client),
      "./runs.ts": async () => defineRuns(client),
    };
    const parts = [
      { path: "workflow", ...installed },
      { path: "workflow/workpool", ...workpool },
      { path: "workflow/workpool/batchWorker", ...batchWorker },
    ];
    const nested = [];
    for (const { path, schema, modules } of parts)
      nested.push({
        path,
        schema: schema as never,
        modules: await recordFunctions(modules, path),
      });
    return new Backends(installed, await recordFunctions(app, "app"), nested);
  }

  /**
   * Creates a backend with the platform's limits. It ends the previous one, because they share the clock,
   * the recorder and the progress.
   */
  async make(): Promise<Backend> {
    clock.install();
    clock.reset();
    recorder.reset();
    progress.reset();
    seedRandom();
    quiet();
    const t = convexTest({ modules: this.app, transactionLimits: true });
    recordOperations();
    for (const { path, schema, modules } of this.nested)
      t.registerComponent(path, schema, modules);
    const { execution } = this.installed;
    if (execution)
      await t.mutation(components.workflow.utils.updateConfig, { execution });
    return t;
  }
}
