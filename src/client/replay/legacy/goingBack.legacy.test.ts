import { validate } from "convex-helpers/validators";
import type { Validator } from "convex/values";
import { describe, expect, test } from "vitest";
import { components } from "./testing/app/_generated/api.js";
import { caseOf } from "./testing/cases.js";
import { Deployment } from "./testing/deployment.js";
import { TABLES } from "./testing/golden.js";
import { CURRENT } from "./testing/releases/current.js";
import { PUBLISHED } from "./testing/releases/published.js";
import { useDeployments } from "./testing/time.js";
import type { WorkflowId } from "../../index.js";

// Tests the documented way back to 0.4.8, whose schema refuses newer rows.

useDeployments();

/** Returns the tables whose rows the schema of 0.4.8 refuses. Until there are none, 0.4.8 can't be deployed. */
async function refusedTables(deployment: Deployment): Promise<string[]> {
  const rows = {
    ...(await deployment.allRows()),
    onCompleteFailures: await deployment.rows("onCompleteFailures"),
  };
  return ([...TABLES, "onCompleteFailures"] as const).filter((table) => {
    const { validator } = PUBLISHED.schema.tables[table] as unknown as {
      validator: Validator<unknown, "required", string>;
    };
    return rows[table].some(
      ({ _id, _creationTime, ...row }) => !validate(validator, row),
    );
  });
}

async function cleanUpAll(deployment: Deployment) {
  for (const { _id } of await deployment.rows("workflows"))
    await deployment.mutate((ctx) =>
      CURRENT.client.cleanup(
        ctx as never,
        components.workflow,
        _id as string as WorkflowId,
      ),
    );
  await deployment.rest();
}

const SEQUENTIAL = caseOf({ name: "sequential" });
/** A case whose manager sets `maxParallelism`, which is stored in `config`. */
const WITH_PARALLELISM = caseOf({ name: "fanOut-25-max3" });

describe("the schema of 0.4.8", () => {
  test("refuses the rows of runs that began here until all of them are cleaned up", async () => {
    const deployment = new Deployment(CURRENT, PUBLISHED);
    const workflowId = await deployment.start(SEQUENTIAL);
    await deployment.rest();
    expect(await refusedTables(deployment)).toEqual(["workflows", "steps"]);

    await cleanUpAll(deployment);
    expect(await refusedTables(deployment)).toEqual([]);

    deployment.deploy(PUBLISHED);
    const next = await deployment.start(SEQUENTIAL);
    expect(next).not.toBe(workflowId);
    await deployment.rest();
    const [run] = await deployment.rows("workflows");
    expect(run).toMatchObject({ _id: next, runResult: { kind: "success" } });
  });

  test("refuses the step that step.patched records, even in a run that 0.4 began", () => {
    const { validator } = PUBLISHED.schema.tables.steps as unknown as {
      validator: Validator<unknown, "required", string>;
    };
    const row = (kind: "patch" | "sleep") => ({
      workflowId: "the run's id",
      stepNumber: 0,
      step: {
        kind,
        name: "id",
        args: {},
        argsSize: 0,
        inProgress: false,
        startedAt: 0,
        completedAt: 0,
        runResult: { kind: "success", returnValue: null },
      },
    });
    expect(validate(validator, row("sleep"))).toBe(true);
    expect(validate(validator, row("patch"))).toBe(false);
  });

  test("refuses the config row that a manager's maxParallelism writes, until that row is deleted", async () => {
    const deployment = new Deployment(CURRENT, PUBLISHED);
    await deployment.start(WITH_PARALLELISM);
    await deployment.rest();
    await cleanUpAll(deployment);
    expect(await refusedTables(deployment)).toEqual(["config"]);
    await deployment.inComponent("workflow", async (ctx) => {
      for (const { _id } of await ctx.db.query("config").collect())
        await ctx.db.delete("config", _id);
    });
    expect(await refusedTables(deployment)).toEqual([]);
  });

  test("refuses a recorded failure of an onComplete until its row is deleted", async () => {
    const deployment = new Deployment(CURRENT, PUBLISHED);
    await deployment.start(SEQUENTIAL);
    await deployment.inComponent("workflow", async (ctx) => {
      const fnHandle = "function://;steps:gone";
      for (const { _id } of await ctx.db.query("workflows").collect())
        await ctx.db.patch("workflows", _id, { onComplete: { fnHandle } });
    });
    await deployment.rest();
    await cleanUpAll(deployment);
    expect(await refusedTables(deployment)).toEqual(["onCompleteFailures"]);
    await deployment.inComponent("workflow", async (ctx) => {
      for (const { _id } of await ctx.db.query("onCompleteFailures").collect())
        await ctx.db.delete("onCompleteFailures", _id);
    });
    expect(await refusedTables(deployment)).toEqual([]);
  });

  test("accepts a run that 0.4.8 finished, but refuses one that continued here until it is cleaned up", async () => {
    const finished = new Deployment(PUBLISHED, CURRENT);
    await finished.start(SEQUENTIAL);
    await finished.rest();
    finished.deploy(CURRENT);
    expect(await refusedTables(finished)).toEqual([]);

    const wentOn = new Deployment(PUBLISHED, CURRENT);
    await wentOn.start(SEQUENTIAL);
    await wentOn.until(({ steps }) => steps.length > 0);
    const begun = (await wentOn.rows("steps")).length;
    wentOn.deploy(CURRENT);
    await wentOn.rest();
    expect((await wentOn.rows("steps")).length).toBeGreaterThan(begun);
    expect(await refusedTables(wentOn)).toEqual(["workflows", "steps"]);
    await cleanUpAll(wentOn);
    expect(await refusedTables(wentOn)).toEqual([]);
  });
});
