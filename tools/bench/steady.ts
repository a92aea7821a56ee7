import { isNested, unitOf, type Call } from "./recording/call.js";

/** The step functions of the app, of which each step of a program is one call. */
const isStep = ({ component, name }: Call) =>
  component === "app" && name.startsWith("steps:");

/**
 * Every action and transaction from step `from` to step `to`, in order: the cost of steps that are neither first nor
 * last.
 */
export function unitsOfSteps(calls: Call[], from: number, to: number): Call[] {
  const begin = unitOfStep(calls, from).number;
  const end = unitOfStep(calls, to).number;
  return calls.filter(
    (call) => !isNested(call) && call.number >= begin && call.number < end,
  );
}

/** As `unitsOfSteps`, with all that ran inside. */
export function callsOfSteps(calls: Call[], from: number, to: number): Call[] {
  const units = new Set(unitsOfSteps(calls, from, to));
  return calls.filter((call) => units.has(unitOf(call)));
}

function unitOfStep(calls: Call[], i: number): Call {
  const step = calls.find((call) => isStep(call) && call.i === i);
  if (!step) throw new Error(`Step ${i} has not run`);
  return unitOf(step);
}
