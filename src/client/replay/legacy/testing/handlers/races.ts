import { message, mutate, read, type Handler } from "./calls.js";

/** The race's loser continues, and later steps record its progress. */
export const raceKeepsLoser: Handler = async (step) => {
  const log: string[] = [];
  const branch = async (label: string, count: number) => {
    for (let i = 0; i < count; i++) log.push(await mutate(step, label + i));
    return label;
  };
  const slow = branch("S", 4);
  const winner = await Promise.race([slow, branch("F", 2)]);
  const next: unknown = await mutate(step, "next", { winner });
  await mutate(step, "sofar", { log: [...log] });
  return [winner, next, await slow, log];
};

export const anyAndSettled: Handler = async (step) => {
  const fail = (name: string) => mutate(step, name, { error: `no ${name}` });
  const first: unknown = await Promise.any([
    fail("x1"),
    mutate(step, "x2"),
    fail("x3"),
  ]);
  const none: unknown = await Promise.any([fail("y1"), fail("y2")]).catch(
    (error: AggregateError) => error.errors.map(message),
  );
  const all = await Promise.allSettled([
    mutate(step, "z1"),
    fail("z2"),
    read(step, "z3"),
  ]);
  await mutate(step, "end", { first, none });
  return all.map((one) =>
    one.status === "fulfilled" ? (one.value as unknown) : message(one.reason),
  );
};
