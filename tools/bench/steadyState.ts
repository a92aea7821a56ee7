import { isNested, unitOf, type Call } from "./recording/call.js";

/** Whether a call is a step of the app's program. */
const isStep = ({ component, name }: Call) =>
  component === "app" && name.startsWith("steps:");

/**
 * Returns every action and transaction from step `from` to step `to`, in order. They are the cost of steps that are
 * neither first nor last.
 */
export function unitsOfSteps(calls: Call[], from: number, to: number): Call[] {
  const begin = unitOfStep(calls, from).number;
  const end = unitOfStep(calls, to).number;
  return calls.filter(
    (call) => !isNested(call) && call.number >= begin && call.number < end,
  );
}

/** Like `unitsOfSteps`, with all nested calls. */
export function callsOfSteps(calls: Call[], from: number, to: number): Call[] {
  const units = new Set(unitsOfSteps(calls, from, to));
  return calls.filter((call) => units.has(unitOf(call)));
}

function unitOfStep(calls: Call[], i: number): Call {
  const step = calls.find((call) => isStep(call) && call.i === i);
  if (!step) throw new Error(`Step ${i} has not run`);
  return unitOf(step);
}
