import batchWorker from "@convex-dev/batch-worker/test";
import workpool from "@convex-dev/workpool/test";
import { convexTest } from "convex-test";
import type { GenericMutationCtx } from "convex/server";
import type {
  DataModel,
  Doc,
} from "../../../../component/_generated/dataModel.js";
import type { WorkflowId } from "../../../ids.js";
import * as api from "./app/_generated/api.js";
import * as steps from "./app/steps.js";
import { exportName, type Case, type Send } from "./cases.js";
import { TABLES, type Rows } from "./golden.js";
import { lookedUp, preload, type Modules } from "./modules.js";
import type { Release } from "./releases/release.js";
import { ReplaceableSchema, type Schema } from "./schemas.js";
import { makeHostCallsDrain, nextTimer, settle } from "./time.js";

type Ctx = GenericMutationCtx<DataModel>;

/** The part of convex-test that is used here. */
interface Backend {
  registerComponent(path: string, schema: Schema, modules: Modules): void;
  run<T>(body: (ctx: Ctx) => Promise<T>): Promise<T>;
  mutation<T>(body: (ctx: Ctx) => Promise<T>): Promise<T>;
  runInComponent<T>(path: string, body: (ctx: Ctx) => Promise<T>): Promise<T>;
}

const POOL = "workflow/workpool";

const NESTED: { path: string; schema: Schema; modules: Modules }[] = [
  {
    path: POOL,
    schema: workpool.schema,
    modules: await preload(workpool.modules),
  },
  {
    path: "workflow/workpool/batchWorker",
    schema: batchWorker.schema,
    modules: await preload(batchWorker.modules),
  },
];

/**
 * An in-memory deployment of the cases' app on one release of the package. `deploy` puts another release
 * over it, as a push does. Functions and schema change. Rows and scheduled functions stay.
 */
export class Deployment {
  private readonly t: Backend;
  private readonly schema: ReplaceableSchema;

  constructor(
    private release: Release,
    later = release,
  ) {
    this.t = convexTest({
      modules: {
        "./_generated/api.ts": async () => api,
        "./steps.ts": async () => steps,
        "./workflows.ts": async () => this.release.workflows,
      },
    }) as unknown as Backend;
    this.schema = new ReplaceableSchema(release.schema, later.schema);
    this.register("workflow", this.schema.schema, () => this.release.modules, {
      ...release.modules,
      ...later.modules,
    });
    for (const { path, schema, modules } of NESTED)
      this.register(path, schema, () => modules, modules);
    makeHostCallsDrain();
  }

  private register(
    path: string,
    schema: Schema,
    current: () => Modules,
    all: Modules,
  ) {
    const modules = lookedUp(Object.keys(all), current);
    this.t.registerComponent(path, schema, modules);
  }

  get client() {
    return this.release.client;
  }

  deploy(release: Release) {
    this.release = release;
    this.schema.replace(release.schema);
  }

  async start(which: Case, options: object = {}): Promise<WorkflowId> {
    const workflow = api.workflows[exportName(which)]!;
    return await this.mutate((ctx) =>
      this.client.start(ctx as never, workflow, which.args, {
        startAsync: true,
        ...options,
      }),
    );
  }

  /** Sends each event when its time comes. */
  scheduleEvents(send: Send[], workflowId: string) {
    for (const { at, ...event } of send)
      setTimeout(() => void this.send(event, workflowId), at);
  }

  private async send(given: Omit<Send, "at">, workflowId: string) {
    const target = given.name
      ? { workflowId }
      : { id: (await this.rows("events"))[0]!._id };
    const event = { ...given, ...target } as never;
    await this.mutate((ctx) =>
      this.client.sendEvent(ctx as never, api.components.workflow, event),
    );
  }

  /** Runs `body` as a mutation of the app. */
  async mutate<T>(body: (ctx: Ctx) => Promise<T>): Promise<T> {
    return await this.t.mutation(body);
  }

  /** Lets time pass until `said` returns true for the component's rows. */
  async until(said: (rows: Rows) => boolean | Promise<boolean>) {
    await settle();
    while (!(await said(await this.allRows())))
      if (!(await nextTimer()))
        throw new Error("It has come to rest before that");
  }

  async rest() {
    while (await nextTimer());
  }

  async allRows(): Promise<Rows> {
    const rows: Partial<Record<keyof Rows, unknown>> = {};
    for (const table of TABLES) rows[table] = await this.rows(table);
    return rows as Rows;
  }

  async rows<T extends keyof DataModel>(table: T): Promise<Doc<T>[]> {
    return await this.inComponent("workflow", async (ctx) => {
      const rows: unknown = await ctx.db.query(table).collect();
      return rows as Doc<T>[];
    });
  }

  async appRows(table: string): Promise<Record<string, unknown>[]> {
    return await this.t.run((ctx) => ctx.db.query(table as never).collect());
  }

  /** Returns the rows of a table in the component's workpool. */
  async poolRows(table: string): Promise<Record<string, unknown>[]> {
    return await this.inComponent(POOL, (ctx) =>
      ctx.db.query(table as never).collect(),
    );
  }

  async inComponent<T>(
    path: string,
    body: (ctx: Ctx) => Promise<T>,
  ): Promise<T> {
    return await this.t.runInComponent(path, body);
  }
}
