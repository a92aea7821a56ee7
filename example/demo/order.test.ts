import { expect, test } from "vitest";
import { inOrder } from "./order.mjs";
import type { Change } from "./types.mjs";

const change = (at: number, type: Change["type"], step?: string) =>
  ({ at, type, run: "a", ...(step && { step }) }) as Change;

test("changes are sorted by time, and pass once all runs have been read up to then", () => {
  const passed: number[] = [];
  let seen = 5;
  const changes = inOrder(
    ({ at }) => void passed.push(at),
    () => seen,
  );
  for (const at of [7, 3, 5]) changes.hold(change(at, "stepStarted", "0"));
  changes.flush();
  expect(passed).toEqual([3, 5]);
  seen = 6;
  changes.hold(change(6, "stepStarted", "0"));
  changes.flush();
  changes.flush(Infinity);
  expect(passed).toEqual([3, 5, 6, 7]);
});

test("at the same moment, a child's last step ends before the child, and the child before its parent", () => {
  const passed: string[] = [];
  const changes = inOrder(
    (found) => void passed.push("step" in found ? found.step : found.type),
    () => Infinity,
  );
  changes.hold(change(1, "runEnded"));
  changes.hold(change(1, "stepEnded", "0"));
  changes.hold(change(1, "stepEnded", "0.1"));
  changes.flush();
  expect(passed).toEqual(["0.1", "0", "runEnded"]);
});
