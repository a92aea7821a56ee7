import type { Result } from "./result.js";
import type { Figures } from "../measuring.js";
import type { WindowName } from "../scenarios/scenario.js";

export const inWindow =
  (which: WindowName) =>
  ({ windows }: Result): Figures | undefined =>
    windows.find(({ window }) => window === which)?.figures;

/** Sums all windows of a scenario. The workpool's cleanup happens minutes later, so nobody waits for it. */
export function inAll(result: Result): Figures | undefined {
  const [first, ...rest] = result.windows.map(({ figures }) => figures);
  const sum = rest.reduce(together, first!);
  const modelledMs = inWindow("run")(result)?.modelledMs ?? 0;
  return first && { ...sum, modelledMs };
}

const together = (a: Figures, b: Figures): Figures => {
  const sum = { ...a };
  for (const key of Object.keys(sum) as (keyof Figures)[])
    sum[key] = isMost(key) ? Math.max(a[key], b[key]) : a[key] + b[key];
  return sum;
};

const isMost = (key: keyof Figures) =>
  key === "depth" || key === "mostDocumentsRead";
