import { describe, expect, test } from "vitest";
import * as client from "../../index.js";
import { components, functions } from "./testing/app/_generated/api.js";
import { caseOf } from "./testing/cases.js";
import { Deployment } from "./testing/deployment.js";
import { journalOf, runOf, type Rows } from "./testing/golden.js";
import { goldens } from "./testing/goldens.js";
import { enqueueTurns, restore } from "./testing/leftBehind.js";
import { leftoversIn } from "./testing/leftovers.js";
import { CURRENT } from "./testing/releases/current.js";
import { PUBLISHED } from "./testing/releases/published.js";
import { useDeployments } from "./testing/time.js";
import type { WorkflowId } from "../../index.js";

useDeployments();

// This package's functions manage runs that 0.4 began.

const component = components.workflow;

/** Starts a run under 0.4 and deploys this package when `moment` returns true. */
async function switched(
  name: string,
  moment: (rows: Rows) => boolean,
  options?: object,
) {
  const deployment = new Deployment(PUBLISHED, CURRENT);
  const workflowId = await deployment.start(caseOf({ name }), options);
  await deployment.until(moment);
  deployment.deploy(CURRENT);
  return { deployment, workflowId };
}

const isInFlight = ({ steps }: Rows, name: string) =>
  steps.some(({ step }) => step.name === name && step.inProgress);
const firstBatch = (rows: Rows) =>
  ["m1", "s1", "w1", "e1"].every((name) => isInFlight(rows, name));
const someAreDone = ({ steps }: Rows) =>
  steps.some(({ step }) => step.inProgress) &&
  steps.some(({ step }) => !step.inProgress);

test("getStatus lists the steps that 0.4 left in flight", async () => {
  const { deployment, workflowId } = await switched("kindsRace", firstBatch);
  const { steps, workflows, events } = await deployment.allRows();
  const status = await deployment.mutate((ctx) =>
    client.getStatus(ctx as never, component, workflowId),
  );
  expect(status.type).toBe("inProgress");
  const { running } = status as { running: Record<string, unknown>[] };
  const rowOf = (name: string) =>
    steps.find(({ step }) => step.name === name)!.step as { workId?: string };
  expect(running).toMatchObject([
    { kind: "function", name: "m1", workId: rowOf("m1").workId },
    { kind: "sleep", name: "s1", workId: rowOf("s1").workId },
    { kind: "workflow", name: "w1", workflowId: workflows[1]!._id },
    { kind: "event", name: "e1", eventId: events[0]!._id },
  ]);
});

describe("cancel", () => {
  const moments: [string, string, (rows: Rows) => boolean][] = [
    ["steps of every kind", "kindsRace", firstBatch],
    ["a nested run", "kindsRace", (rows) => isInFlight(rows, "child")],
    ["sleeps", "sleeps", (rows) => isInFlight(rows, "long")],
    ["an event", "eventById", ({ steps }) => steps.length === 2],
    ["some of its actions", "fanOut-25", someAreDone],
    ["nothing yet", "sequential", ({ steps }) => steps.length === 0],
  ];
  test.each(moments)(
    "ends a run that 0.4 began, with %s in flight",
    async (...given) => {
      const [, name, moment] = given;
      const onComplete = { onComplete: functions.ended, context: "mine" };
      const { deployment, workflowId } = await switched(
        name,
        moment,
        onComplete,
      );
      const before = await deployment.rows("steps");
      await deployment.mutate((ctx) =>
        client.cancel(ctx as never, component, workflowId),
      );
      await deployment.rest();
      const { workflows, steps } = await deployment.allRows();
      const endings = workflows.map(({ runResult }) => runResult?.kind);
      expect(new Set(endings)).toEqual(new Set(["canceled"]));
      expect(workflows[0]).toMatchObject({
        _id: workflowId,
        generationNumber: 1,
      });
      expect(steps.map(({ step }) => step.runResult)).toEqual(
        before.map(({ step }) => step.runResult),
      );
      expect(await leftoversIn(deployment)).toEqual([]);
      expect(await deployment.appRows("ended")).toMatchObject([
        { workflowId, result: { kind: "canceled" }, context: "mine" },
      ]);
    },
  );

  test("prevents a retry that 0.4 scheduled", async () => {
    const deployment = new Deployment(PUBLISHED, CURRENT);
    const workflowId = await deployment.start(caseOf({ name: "retries" }));
    await deployment.until(async () => {
      const jobs = await deployment.poolRows("work");
      return jobs.some(({ attempts }) => attempts !== 0);
    });
    deployment.deploy(CURRENT);
    await deployment.mutate((ctx) =>
      client.cancel(ctx as never, component, workflowId),
    );
    await deployment.rest();
    expect(await leftoversIn(deployment)).toEqual([]);
    const [step] = await deployment.rows("steps");
    expect(step!.step.runResult).toBeUndefined();
  });
});

test("an onComplete passed to 0.4 is called once when the run ends", async () => {
  const { deployment, workflowId } = await switched(
    "sequential",
    ({ steps }) => steps.length === 1,
    { onComplete: functions.ended, context: { c: 1 } },
  );
  await deployment.rest();
  expect(await deployment.appRows("ended")).toMatchObject([
    {
      workflowId,
      result: { kind: "success", returnValue: [1, 2, 3] },
      context: { c: 1 },
    },
  ]);
});

describe("cleanup", () => {
  const cleanUp = (deployment: Deployment, workflowId: WorkflowId) =>
    deployment.mutate((ctx) =>
      deployment.client.cleanup(ctx as never, component, workflowId),
    );
  const expectNothing = async (deployment: Deployment) => {
    const { workflows, steps, events } = await deployment.allRows();
    expect([...workflows, ...steps, ...events]).toEqual([]);
    expect(await leftoversIn(deployment)).toEqual([]);
  };

  test("deletes a run that 0.4 began and its nested runs once it has ended", async () => {
    const { deployment, workflowId } = await switched(
      "nested",
      ({ workflows }) => workflows.length === 4,
    );
    expect(await cleanUp(deployment, workflowId)).toBe(false);
    await deployment.rest();
    expect(await cleanUp(deployment, workflowId)).toBe(true);
    await deployment.rest();
    await expectNothing(deployment);
  });

  test("that 0.4 began is completed", async () => {
    const deployment = new Deployment(PUBLISHED, CURRENT);
    const workflowId = await deployment.start(caseOf({ name: "nested" }));
    await deployment.rest();
    expect(await cleanUp(deployment, workflowId)).toBe(true);
    expect(await deployment.rows("workflows")).not.toEqual([]);
    deployment.deploy(CURRENT);
    await deployment.rest();
    await expectNothing(deployment);
  });
});

test("restartMany and cleanupMany skip a child that 0.4 began while its parent is in progress", async () => {
  const { deployment } = await switched(
    "nestedFailureCaught",
    ({ workflows }) => workflows[1]?.runResult?.kind === "failed",
  );
  const [parent, child] = await deployment.rows("workflows");
  expect([parent!.runResult, child!.parent]).toEqual([undefined, undefined]);
  const act = (many: "restartMany" | "cleanupMany") =>
    deployment.mutate((ctx) => client[many](ctx as never, component));
  expect(await act("restartMany")).toMatchObject({ done: 0 });
  expect(await act("cleanupMany")).toMatchObject({ done: 0 });
  await deployment.rest();
  const [first, ...others] = await deployment.rows("workflows");
  expect(first!.runResult!.kind).toBe("success");
  expect(others).toMatchObject([{ runResult: { kind: "failed" } }]);
  expect(await act("restartMany")).toMatchObject({ done: 0 });
  expect(await act("cleanupMany")).toMatchObject({ done: 2 });
  await deployment.rest();
  expect(await deployment.rows("workflows")).toEqual([]);
});

test("in rows of releases before 0.4.8, a step without a kind is a function, and fields that are no longer used stay unchanged", async () => {
  const golden = goldens.find(({ name }) => name === "caughtFailures")!;
  const { workflowId, boundaries } = golden;
  const { rows } = boundaries.at(-2)!;
  const deployment = new Deployment(CURRENT);
  const steps = rows.steps.map((row) => ({
    ...row,
    step: { ...row.step, kind: undefined },
  })) as Rows["steps"];
  const old = { logLevel: "INFO", startedAt: 17n, state: { kind: "running" } };
  const workflows = rows.workflows.map((run) => ({ ...run, ...old }));
  await restore(deployment, { ...rows, steps, workflows });
  await enqueueTurns(deployment, runOf(rows, workflowId), 1);
  await deployment.rest();
  const run = runOf(await deployment.allRows(), workflowId);
  expect(run).toMatchObject(old);
  expect(run.runResult).toEqual(runOf(golden.end.rows, workflowId).runResult);
  const { page } = await deployment.mutate((ctx) =>
    client.listSteps(ctx as never, component, workflowId as WorkflowId),
  );
  const journal = journalOf(await deployment.allRows(), workflowId);
  expect(page).toMatchObject(
    journal.map(({ _id, stepNumber, step }) => ({
      stepId: _id,
      stepNumber,
      name: step.name,
      kind: "function",
      args: step.args as unknown,
      runResult: step.runResult,
    })),
  );
});

test("a run that a newer engine began fails with an error that says how to fix it", async () => {
  const golden = goldens.find(({ name }) => name === "sequential")!;
  const { workflowId } = golden;
  const { rows } = golden.boundaries[1]!;
  const deployment = new Deployment(CURRENT);
  const workflows = rows.workflows.map((run) => ({ ...run, engineVersion: 2 }));
  await restore(deployment, { ...rows, workflows });
  await enqueueTurns(deployment, runOf(rows, workflowId), 1);
  await deployment.rest();
  const after = await deployment.allRows();
  expect(after.steps.length).toBe(rows.steps.length);
  expect(runOf(after, workflowId).runResult).toEqual({
    kind: "failed",
    error: expect.stringContaining(
      `Workflow ${workflowId} was begun by a newer release of @convex-dev/workflow (engine 2, this one knows up to 1). ` +
        `Deploy that release again.`,
    ),
  });
});
