import { workflows } from "../app/_generated/api.js";
import { act, awaitNamed, hops, mutate, read, type Handler } from "./calls.js";

export const parallelThenOne: Handler = async (step) => {
  const parts = await Promise.all([
    mutate(step, "a"),
    read(step, "b"),
    act(step, "c"),
  ]);
  return [parts, await mutate(step, "sum", { parts })];
};

/** Two branches with `a` and `b` extra microtasks before each further step. */
export const unequalBranches: Handler = async (step, { a, b }) => {
  const branch = async (label: string, extra: number) => {
    const out: string[] = [await mutate(step, `${label}1`)];
    for (let i = 2; i <= 4; i++) {
      await hops(extra);
      out.push(await mutate(step, `${label}${i}`));
    }
    return out;
  };
  return await Promise.all([branch("A", a), branch("B", b)]);
};

/** Replies take a different number of microtasks for each kind of step. */
export const kindsRace: Handler = async (step) => {
  const functionsOnly = async () => [
    await mutate(step, "m1"),
    await mutate(step, "m2"),
    await mutate(step, "m3"),
  ];
  const sleeps = async () => {
    await step.sleep(10, { name: "s1" });
    await step.sleep(20, { name: "s2" });
    await mutate(step, "s3");
    return 3;
  };
  const child = async () => [
    await step.runWorkflow(workflows.child, { value: 1 }, { name: "w1" }),
    await mutate(step, "w2"),
  ];
  const event = async () => [
    await awaitNamed(step, "e1"),
    await mutate(step, "e2"),
  ];
  return await Promise.all([functionsOnly(), sleeps(), child(), event()]);
};

/** Makes the same call through helpers of different depth. */
export const threeBranchesWithHelpers: Handler = async (step, { stride }) => {
  const plain = (name: string) => mutate(step, name);
  const wrapped = async (name: string) => await mutate(step, name);
  const returned = async (name: string) => mutate(step, name);
  const twice = async (name: string) => await wrapped(name);
  const deep = async (name: string) => returned(await Promise.resolve(name));
  const helpers = [plain, wrapped, returned, twice, deep];
  return await Promise.all(
    ["A", "B", "C"].map(async (label, branch) => {
      const out: string[] = [];
      for (let i = 0; i < 2 + branch; i++) {
        const helper = helpers[(branch * stride + i) % helpers.length]!;
        out.push(await helper(`${label}${i}`));
      }
      return out.join("");
    }),
  );
};

export const thenChains: Handler = async (step) => {
  const one = mutate(step, "a1")
    .then((x) => mutate(step, "a2", { after: x }))
    .then((x) => `${x}!`)
    .finally(() => hops(4))
    .then((x) => mutate(step, "a3", { after: x }));
  const thenable = (after: unknown): PromiseLike<unknown> => ({
    then: (resolve: any) => resolve(mutate(step, "b2", { after })),
  });
  const two = mutate(step, "b1").then(thenable, () => "never");
  const three = Promise.resolve()
    .then(() => Promise.resolve())
    .then(() => read(step, "c1"))
    .then((x) => read(step, "c2", { after: x }));
  return await Promise.all([one, two, three]);
};

/** Several branches await one promise. */
export const sharedPromise: Handler = async (step) => {
  const config = mutate(step, "config");
  const use = async (name: string, extra: number): Promise<unknown> => {
    await hops(extra);
    const c: unknown = await config;
    return await mutate(step, name, { c });
  };
  return await Promise.all([
    use("u3", 3),
    use("u0", 0),
    use("u9", 9),
    read(step, "direct"),
    use("u6", 6),
  ]);
};

export const asyncIteration: Handler = async (step) => {
  async function* pages(label: string, count: number) {
    for (let i = 0; i < count; i++)
      yield (await read(step, `${label}${i}`)) as string;
  }
  const readAll = async (label: string, count: number) => {
    const out: string[] = [];
    for await (const page of pages(label, count))
      out.push(await mutate(step, `got-${page}`));
    return out;
  };
  return await Promise.all([
    readAll("A", 2),
    readAll("B", 3),
    mutate(step, "C0")
      .then(() => mutate(step, "C1"))
      .then(() => mutate(step, "C2")),
  ]);
};

/** Wraps promises to every depth, and awaits none of them at once. */
export const microtaskMarathon: Handler = async (step) => {
  const late = async (count: number): Promise<string> => {
    await hops(count);
    return await mutate(step, `l${count}`);
  };
  const pending = [late(14), late(7), late(1), late(0), late(11)];
  const wrap = (inner: Promise<string>, depth: number): Promise<string> =>
    depth === 0 ? inner : wrap((async () => inner)(), depth - 1);
  const x = await wrap(mutate(step, "w"), 3);
  const y = await Promise.race([
    wrap(mutate(step, "r1"), 2),
    mutate(step, "r2")
      .then((z: string) => z)
      .then((z: string) => z),
  ]);
  const rest = await Promise.all(pending.map((p, depth) => wrap(p, depth)));
  return [x, y, rest, await mutate(step, "end", { y })];
};

export const fanOut: Handler = async (step, { n }) => {
  const all = await Promise.all(
    Array.from({ length: n }, (_, i) => act(step, `p${i}`)),
  );
  return [all.length, await mutate(step, "joined", { n: all.length })];
};

export const fanOutTwoLevels: Handler = async (step, { n }) =>
  await Promise.all(
    Array.from({ length: n }, async (_, i): Promise<unknown> => {
      const x: string = await mutate(step, `x${i}`);
      await hops(i % 4);
      const y: string = await read(step, `y${i}`, { of: x });
      return i % 3 ? y : await act(step, `z${i}`);
    }),
  );

/** Workers share a list, so the order of replies decides which worker takes which item. */
export const workerPool: Handler = async (step, { items, workers }) => {
  let next = 0;
  const done: string[] = [];
  const worker = async (w: number) => {
    while (next < items) {
      const item = next++;
      done.push(await mutate(step, `w${w}i${item}`));
      await hops(w * 2);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, w) => worker(w)));
  return await mutate(step, "end", { done: [...done] });
};
