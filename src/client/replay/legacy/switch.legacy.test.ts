import { validate } from "convex-helpers/validators";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { caseOf, CONTRADICTION } from "./testing/cases.js";
import { Deployment } from "./testing/deployment.js";
import { TABLES, type Golden, type Rows } from "./testing/golden.js";
import { goldens } from "./testing/goldens.js";
import { HAZARDS, hazardsOf, type Hazard } from "./testing/hazards.js";
import { doneSteps, leftoversIn, scheduledIn } from "./testing/leftovers.js";
import { CURRENT } from "./testing/releases/current.js";
import { PUBLISHED } from "./testing/releases/published.js";
import { storyOf } from "./testing/story.js";
import { nextTimer, useDeployments } from "./testing/time.js";
import schema from "../../../component/schema.js";

useDeployments();

// Runs begin on a deployment of 0.4. Then this package is deployed over it.

/** Rows must satisfy this package's schema, or it can't be deployed. */
const vRow = (table: keyof Rows) =>
  schema.tables[table].validator.extend({
    _id: v.id(table),
    _creationTime: v.number(),
  });
const THROW = { throw: true };

const met = new Set<Hazard>();
const MOMENTS = 4;

/** The numbers of timers after which a run is switched. They differ per run, so all runs together cover every moment. */
const momentsOf = ({ timers }: Golden, index: number) =>
  Array.from({ length: MOMENTS }, (_, moment) =>
    Math.floor(((moment + ((index * 0.618) % 1)) * timers) / MOMENTS),
  );

async function switchedAfter(golden: Golden, timers: number) {
  const which = caseOf(golden);
  const deployment = new Deployment(PUBLISHED, CURRENT);
  const workflowId = await deployment.start(which);
  deployment.scheduleEvents(which.send, workflowId);
  for (let passed = 0; passed < timers; passed++) await nextTimer();
  for (const hazard of await hazardsOf(deployment, workflowId)) met.add(hazard);
  deployment.deploy(CURRENT);
  return { deployment, workflowId };
}

describe("a run in flight at the switch continues to the recorded end", () => {
  const others = goldens.filter(({ name }) => name !== CONTRADICTION);
  test.each(others.map((golden, index) => ({ ...golden, index })))(
    "$name",
    async ({ index, ...golden }) => {
      // The two releases' workpools take different amounts of time.
      const options = { withoutTimes: caseOf(golden).showsTime };
      const recorded = storyOf(golden.end.rows, golden.workflowId, options);
      for (const timers of momentsOf(golden, index)) {
        const { deployment, workflowId } = await switchedAfter(golden, timers);
        const before = await deployment.allRows();
        for (const table of TABLES)
          for (const row of before[table]) validate(vRow(table), row, THROW);
        const failed = await scheduledIn(deployment, "failed");
        await deployment.rest();
        const after = await deployment.allRows();
        expect(storyOf(after, workflowId, options)).toEqual(recorded);
        expect(await leftoversIn(deployment)).toEqual(failed);
        expect(after.steps).toEqual(expect.arrayContaining(doneSteps(before)));
      }
    },
  );

  test("together, the runs were switched in every state that 0.4 can leave", () => {
    expect(HAZARDS.filter((hazard) => !met.has(hazard))).toEqual([]);
  });
});

describe("a journal that 0.4 itself can't continue", () => {
  const golden = goldens.find(({ name }) => name === CONTRADICTION)!;

  async function endAfter(timers: number) {
    const { deployment, workflowId } = await switchedAfter(golden, timers);
    const begun = (await deployment.rows("steps")).length > 0;
    await deployment.rest();
    const [run] = await deployment.rows("workflows");
    expect(run!._id).toBe(workflowId);
    return { begun, result: run!.runResult, deployment };
  }

  test("fails its run, as under 0.4, unless the run is switched before its first turn", async () => {
    const errors: string[] = [];
    for (let timers = 0; timers < golden.timers; timers++) {
      const { begun, result, deployment } = await endAfter(timers);
      if (timers === 0) expect(begun).toBe(false);
      if (begun) {
        expect(result?.kind).toBe("failed");
        errors.push((result as { error: string }).error);
      } else {
        expect(result).toEqual({
          kind: "success",
          returnValue: [
            ["i1", "i2", "n1"],
            ["i3", "n2"],
          ],
        });
        expect(await leftoversIn(deployment)).toEqual([]);
      }
    }
    expect(errors.join()).toContain("Journal entry mismatch");
    expect(errors.join()).toContain("Determinism violation in workflow");
  });
});
