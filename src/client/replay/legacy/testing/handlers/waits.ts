import { v } from "convex/values";
import { functions } from "../app/_generated/api.js";
import {
  act,
  awaitNamed,
  hops,
  message,
  mutate,
  read,
  type Handler,
} from "./calls.js";

export const eventsByName: Handler = async (step) => {
  const first: unknown = await awaitNamed(step, "go");
  const both = await Promise.all([
    awaitNamed(step, "go"),
    awaitNamed(step, "other"),
  ]);
  return [first, both, await mutate(step, "last", { first })];
};

export const eventSentBefore: Handler = async (step) => {
  await step.sleep(5_000);
  const x: unknown = await awaitNamed(step, "early");
  const y: unknown = await awaitNamed(step, "early");
  return [x, y, await mutate(step, "after", { x, y })];
};

export const eventErrorAndNoValidator: Handler = async (step) => {
  let caught = "";
  try {
    await awaitNamed(step, "fails");
  } catch (error) {
    caught = message(error);
  }
  return [caught, await step.awaitEvent({ name: "bare" })];
};

export const eventById: Handler = async (step) => {
  const id = await step.runMutation(functions.makeEvent, {
    workflowId: step.workflowId,
    name: "ticket",
  });
  const value: unknown = await step.awaitEvent({
    id: id as never,
    validator: v.any(),
  });
  return [value, await mutate(step, "after", { value })];
};

/** Under 0.4, the race ends only when its loser has ended too. */
export const eventOrTimeout: Handler = async (step) => {
  const result: unknown = await Promise.race([
    awaitNamed(step, "answer"),
    step.sleep(1_000, { name: "timeout" }).then(() => "timeout"),
  ]);
  return [result, await mutate(step, "after", { result })];
};

export const sleeps: Handler = async (step) => {
  await step.sleep(1_000);
  await Promise.all([
    step.sleep(500, { name: "short" }),
    step.sleep(2_000, { name: "long" }),
  ]);
  await step.sleep(0);
  return await mutate(step, "awake");
};

export const clockAndRandom: Handler = async (step) => {
  const shown = () => ({ at: Date.now(), r: Math.random() });
  const t0 = Date.now();
  const x = [t0, Math.random(), new Date().getTime(), Math.random()];
  await mutate(step, "first", { x });
  await step.sleep(1_234);
  const t1 = Date.now();
  const pair = async (): Promise<unknown> => [
    await mutate(step, "p1", shown()),
    await mutate(step, "p2", shown()),
  ];
  const slowPair = async (): Promise<unknown> => [
    await act(step, "r1", { ...shown(), ms: 700 }),
    await read(step, "r2", shown()),
  ];
  const [p, r] = await Promise.all([pair(), slowPair()]);
  return [t1 - t0, p, r, Date.now() - t0, Math.random()];
};

/** Under 0.4, asking for a step advances the time if the queue has room for the request. */
export const clockAmongRequests: Handler = async (step) => {
  const slow = act(step, "slow", { ms: 700 });
  const atOnce = Date.now();
  await hops(1);
  const later = Date.now();
  await slow;
  await mutate(step, "told", { atOnce, later, now: Date.now() });
  const many = Array.from({ length: 14 }, (_, i) =>
    act(step, `p${i}`, { ms: 300 + 50 * i }),
  );
  const full = Date.now();
  await Promise.all(many);
  await mutate(step, "end", { full, now: Date.now() });
};
