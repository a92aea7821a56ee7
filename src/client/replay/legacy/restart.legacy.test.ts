import { describe, expect, test } from "vitest";
import * as client from "../../index.js";
import { components } from "./testing/app/_generated/api.js";
import { defineWorkflows } from "./testing/app/workflows.js";
import { caseOf, CONTRADICTION } from "./testing/cases.js";
import { Deployment } from "./testing/deployment.js";
import { journalOf, runOf, type Golden, type Rows } from "./testing/golden.js";
import { goldens } from "./testing/goldens.js";
import { restore } from "./testing/leftBehind.js";
import { leftoversIn } from "./testing/leftovers.js";
import { CURRENT } from "./testing/releases/current.js";
import { PUBLISHED } from "./testing/releases/published.js";
import { storyOf } from "./testing/story.js";
import { START, useDeployments } from "./testing/time.js";
import type { WorkflowId } from "../../index.js";

useDeployments();

// This package restarts runs that 0.4 finished or canceled.

const restart = (
  deployment: Deployment,
  workflowId: string,
  from?: number | string,
) =>
  deployment.mutate((ctx) =>
    client.restart(
      ctx as never,
      components.workflow,
      workflowId as WorkflowId,
      { from },
    ),
  );

const goldenOf = (name: string) =>
  goldens.find((golden) => golden.name === name)!;

/** A deployment in which the recorded run has ended. */
async function ended({ end }: Golden) {
  const deployment = new Deployment(CURRENT);
  await restore(deployment, end.rows);
  return deployment;
}

describe("restarted from a step in the middle, a run continues by 0.4's rules and ends the same", () => {
  // The other cases receive events, which a restart doesn't send again.
  const alone = goldens.filter(
    ({ name }) =>
      name !== CONTRADICTION &&
      !caseOf({ name }).showsTime &&
      caseOf({ name }).send.length === 0,
  );
  test.each(alone)("$name", async (golden) => {
    const { workflowId, end } = golden;
    const deployment = await ended(golden);
    const journal = journalOf(end.rows, workflowId);
    const from = Math.ceil(journal.length / 2);
    await restart(deployment, workflowId, from);
    await deployment.rest();
    const rows = await deployment.allRows();
    const run = runOf(rows, workflowId);
    expect(run).toMatchObject({ generationNumber: 1 });
    expect(run.engineVersion).toBeUndefined();
    const { result, steps } = storyOf(rows, workflowId);
    const recorded = storyOf(end.rows, workflowId);
    expect(result).toEqual(recorded.result);
    expect(steps.length).toBe(recorded.steps.length);
    expect(ids(journalOf(rows, workflowId).slice(0, from))).toEqual(
      ids(journal.slice(0, from)),
    );
    expect(await leftoversIn(deployment)).toEqual([]);
  });
});

const ids = (steps: Rows["steps"]) => steps.map(({ _id }) => _id);

test("restarted without a step, a run replays its history and no step runs", async () => {
  const golden = goldenOf("failsInTheEnd");
  const deployment = await ended(golden);
  const before = await deployment.rows("steps");
  await restart(deployment, golden.workflowId);
  await deployment.rest();
  expect(await deployment.rows("steps")).toEqual(before);
  const run = runOf(await deployment.allRows(), golden.workflowId);
  expect(run.runResult).toEqual({ kind: "failed", error: "bad news" });
  expect(run.engineVersion).toBeUndefined();
});

test("restarted from the first step, a run follows the new rules, so a race ends with its winner", async () => {
  const golden = goldenOf("eventOrTimeout");
  const { workflowId, end } = golden;
  expect(end.at).toBeGreaterThanOrEqual(9_000);
  const deployment = await ended(golden);
  await restart(deployment, workflowId, 0);
  await deployment.until((rows) => !!runOf(rows, workflowId).runResult);
  expect(Date.now() - START).toBeLessThan(2_000);
  expect(runOf(await deployment.allRows(), workflowId)).toMatchObject({
    engineVersion: 1,
    runResult: { kind: "success", returnValue: ["timeout", "after"] },
  });
});

describe("a run that 0.4 canceled", () => {
  /** Starts a run under 0.4, cancels it when `moment` returns true, then deploys `release`. */
  async function canceled(
    name: string,
    moment: (rows: Rows) => boolean,
    release = CURRENT,
  ) {
    const deployment = new Deployment(PUBLISHED, release);
    const workflowId = await deployment.start(caseOf({ name }));
    await deployment.until(moment);
    await deployment.mutate((ctx) =>
      deployment.client.cancel(ctx as never, components.workflow, workflowId),
    );
    await deployment.rest();
    deployment.deploy(release);
    return { deployment, workflowId };
  }

  const inFlight = ({ steps }: Rows) =>
    steps.filter(({ step }) => step.inProgress);
  const done = ({ steps }: Rows) =>
    steps.filter(({ step }) => !step.inProgress);

  test.each([
    ["parallelThenOne", 1],
    ["sleeps", 2],
    ["retries", 1],
    ["options", 1],
  ] as const)(
    "continues to its end after a cancel with a step in flight, and runs no completed step again: %s",
    async (name, count) => {
      const { deployment, workflowId } = await canceled(
        name,
        (rows) => rows.steps.length > 0 && inFlight(rows).length === count,
      );
      const before = await deployment.allRows();
      expect(inFlight(before)).toHaveLength(count);
      await restart(deployment, workflowId);
      await deployment.rest();
      const golden = goldenOf(name);
      const after = await deployment.allRows();
      expect(storyOf(after, workflowId)).toEqual(
        storyOf(golden.end.rows, golden.workflowId),
      );
      expect(after.steps).toEqual(expect.arrayContaining(done(before)));
      expect(await leftoversIn(deployment)).toEqual([]);
    },
  );

  test("continues even if a turn has room for fewer steps than were in flight", async () => {
    const narrow = {
      ...CURRENT,
      workflows: defineWorkflows(client, { maxParallelism: 2 }),
    };
    const { deployment, workflowId } = await canceled(
      "fanOut-25",
      (rows) => inFlight(rows).length === 11,
      narrow,
    );
    await restart(deployment, workflowId);
    await deployment.rest();
    const run = runOf(await deployment.allRows(), workflowId);
    expect(run.runResult).toEqual({
      kind: "success",
      returnValue: [25, "joined"],
    });
  });
});
