import { functions } from "../app/_generated/api.js";
import { act, message, mutate, read, type Handler } from "./calls.js";

export const sequential: Handler = async (step, { start }) => {
  const x: number = await step.runMutation(functions.mutate, { value: start });
  const y: number = await step.runQuery(functions.read, { value: x + 1 });
  const z: number = await step.runAction(functions.act, { value: y + 1 });
  return [x, y, z];
};

export const caughtFailures: Handler = async (step) => {
  const out: string[] = [];
  for (let i = 0; i < 3; i++) {
    try {
      const fails = i < 2 ? { error: `failed ${i}` } : {};
      out.push(await mutate(step, `try${i}`, fails));
      break;
    } catch (error) {
      out.push(await read(step, `note${i}`, { value: message(error) }));
    } finally {
      await mutate(step, `finally${i}`);
    }
  }
  try {
    await act(step, "convex", { data: { code: 404, why: ["x"] } });
  } catch (error) {
    out.push(message(error));
  }
  return out;
};

export const failsInTheEnd: Handler = async (step) => {
  await mutate(step, "before");
  await Promise.all([
    mutate(step, "ok"),
    mutate(step, "bad", { error: "bad news" }),
  ]);
  return "unreached";
};

export const retries: Handler = async (step) => {
  const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
  const ok = await act(step, "flaky", { failures: 2 }, { retry });
  let gone = "";
  try {
    await act(step, "hopeless", { error: "always" }, { retry });
  } catch (error) {
    gone = message(error);
  }
  return [ok, gone, await act(step, "once", {}, { retry: false })];
};

export const options: Handler = async (step) => {
  const quick = step.withOptions({
    retry: { maxAttempts: 2, initialBackoffMs: 10, base: 2 },
  });
  const loose = quick.withOptions({ unstableArgs: true });
  return [
    await act(quick, "flaky", { failures: 1 }),
    await mutate(loose, "loose", { r: Math.random() }),
    await mutate(step, "late", {}, { runAfter: 3_000 }),
    await act(step, "at", {}, { runAt: 1_700_000_010_000 }),
  ];
};

/** The number of steps depends on results of steps. */
export const dynamic: Handler = async (step) => {
  const count: number = await read(step, "count", { value: 3 });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await mutate(step, `make${i}`));
  let left = 3;
  while (left > 0) {
    left = await read(step, `poll${left}`, { value: left - 1 });
    if (left === 1) await step.sleep(50, { name: "nap" });
  }
  return ids;
};

export const returnsNothing: Handler = async (step) => {
  await mutate(step, "only");
};
