import { describe, expect, test, vi } from "vitest";
import { caseOf, CONTRADICTION } from "./testing/cases.js";
import { Deployment } from "./testing/deployment.js";
import type { Boundary, Golden } from "./testing/golden.js";
import { goldens } from "./testing/goldens.js";
import { enqueueTurns, restore } from "./testing/leftBehind.js";
import { leftoversIn } from "./testing/leftovers.js";
import { CURRENT } from "./testing/releases/current.js";
import { storyOf } from "./testing/story.js";
import { settle, START, useDeployments } from "./testing/time.js";

useDeployments();

// Runs that 0.4 recorded up to some turn go on from there.

/** A first turn, one in the midst, and one that ends the run: more would show little more. */
function someOf({ boundaries }: Golden): Boundary[] {
  const middle = boundaries[Math.floor(boundaries.length / 2)]!;
  return [...new Set([boundaries[0]!, middle, boundaries.at(-1)!])];
}

describe("a run in the tables of 0.4 continues to the recorded end", () => {
  test.each(goldens.filter(({ name }) => name !== CONTRADICTION))(
    "$name",
    async (golden) => {
      const { workflowId, end } = golden;
      // Pools of two releases do not take the same time.
      const options = { withoutTimes: caseOf(golden).showsTime };
      const recorded = storyOf(end.rows, workflowId, options);
      for (const boundary of someOf(golden)) {
        const deployment = await deployed(golden, boundary);
        await deployment.rest();
        const rows = await deployment.allRows();
        expect(storyOf(rows, workflowId, options)).toEqual(recorded);
        expect(await leftoversIn(deployment)).toEqual([]);
        expect(fieldsOf(rows.steps)).toEqual(
          expect.arrayContaining(fieldsOf(boundary.rows.steps)),
        );
      }
    },
  );
});

/** Rows without what restoring them has changed. */
const fieldsOf = (rows: Golden["end"]["rows"]["steps"]) =>
  rows.map(({ _creationTime, ...fields }) => fields);

async function deployed(golden: Golden, { at, rows }: Boundary) {
  vi.setSystemTime(START + at);
  const deployment = new Deployment(CURRENT);
  await restore(deployment, rows);
  const run = rows.workflows.find(({ _id }) => _id === golden.workflowId)!;
  await enqueueTurns(deployment, run, 2);
  const { send } = caseOf(golden);
  const later = send.filter((event) => event.at > at);
  deployment.scheduleEvents(
    later.map((event) => ({ ...event, at: event.at - at })),
    run._id,
  );
  await settle();
  return deployment;
}
