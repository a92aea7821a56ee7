import { expect, test } from "vitest";
import { readerOf } from "./reading.mjs";

interface Row {
  stepNumber: number;
  stepId: string;
  name: string;
  kind: "function" | "workflow";
  startedAt: number;
  completedAt?: number;
  nestedWorkflowId?: string;
  attempt?: number;
}

/** Serves runs by id, and reports which steps were read since the last report. */
function fakeApp(runs: Record<string, Row[]>) {
  let read: string[] = [];
  const call = async (path: string, args: any) => {
    if (path === "race:status") return { type: "inProgress", running: [] };
    expect(path).toBe("race:steps");
    const { numItems, cursor } = args.paginationOpts;
    const from = Number(cursor ?? 0);
    const page = runs[args.workflowId]!.slice(from, from + numItems);
    read.push(...page.map(({ stepId }) => stepId));
    const isDone = from + numItems >= runs[args.workflowId]!.length;
    return { page, isDone, continueCursor: `${from + numItems}` };
  };
  const wasRead = () => {
    const steps = read;
    read = [];
    return steps;
  };
  return { reader: readerOf(call, "race", "run"), wasRead };
}

const row = (stepNumber: number, more: Partial<Row> = {}): Row => ({
  ...{ stepNumber, stepId: `step ${stepNumber}`, name: `n${stepNumber}` },
  ...{ kind: "function", startedAt: 1 },
  ...more,
});

test("all steps are read page by page, with their state", async () => {
  const rows = Array.from({ length: 450 }, (_, number) => row(number));
  rows[449] = row(449, { attempt: 2, completedAt: 5 });
  const { reader } = fakeApp({ run: rows });
  const { status, steps } = await reader.read();
  expect(status.type).toBe("inProgress");
  expect(steps.map(({ number }) => number)).toEqual(
    rows.map(({ stepNumber }) => stepNumber),
  );
  expect(steps.at(-1)).toMatchObject({ attempt: 2, completedAt: 5 });
});

test("leading pages whose steps have all ended aren't read again", async () => {
  const rows = Array.from({ length: 450 }, (_, number) =>
    row(number, number === 300 ? {} : { completedAt: 5 }),
  );
  const { reader, wasRead } = fakeApp({ run: rows });
  await reader.read();
  expect(wasRead()).toHaveLength(450);
  rows[300] = row(300, { completedAt: 6 });
  const { steps } = await reader.read();
  expect(wasRead()).toHaveLength(250);
  expect(steps).toHaveLength(450);
  expect(steps[300]).toMatchObject({ completedAt: 6 });

  reader.forget();
  await reader.read();
  expect(wasRead()).toHaveLength(450);
});

test("a nested run is read while its step is in flight", async () => {
  const nested: Partial<Row> = { kind: "workflow", nestedWorkflowId: "child" };
  const runs = { run: [row(0, nested)], child: [row(0, { stepId: "inner" })] };
  const { reader, wasRead } = fakeApp(runs);
  await reader.read();
  runs.run = [row(0, { ...nested, completedAt: 9 })];
  runs.child = [row(0, { stepId: "inner", completedAt: 8 })];
  const { steps } = await reader.read();
  expect(steps[0]!.steps).toMatchObject([{ id: "inner", completedAt: 8 }]);
  wasRead();
  expect((await reader.read()).steps).toEqual(steps);
  expect(wasRead()).toEqual(["step 0"]);
});
