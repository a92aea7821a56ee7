/** The workflows that run under faults. They have every kind of step in every arrangement. */
import { v } from "convex/values";
import { workflow } from "./manager.js";
import { api } from "./references.js";
import { tracer, type Trace, type Tracer } from "./tracing.js";

function program(execute: (steps: Tracer) => Promise<void>) {
  return workflow
    .define({ args: { run: v.string() } })
    .handler(async (step, { run }): Promise<Trace> => {
      const steps = tracer(step, run);
      await execute(steps);
      return steps.trace;
    });
}

export const sequence = program(async ({ see }) => {
  await see.read("query");
  await see.cut("unstorable");
  await see.write("mutation");
  await see.act("action");
  await see.sleep("sleep", 300);
  await see.write("inline mutation", true);
  await see.read("inline query", true);
  await see.child("child", "leaf");
  await see.refuse("refused");
  await see.event("go", 2000);
  await see.write("last");
});

export const leaf = program(async ({ see }) => {
  await see.write("leaf");
});

export const all = program(async ({ issue, see, trace }) => {
  const values = await Promise.all([
    issue.write("mutation"),
    issue.write("another"),
    issue.read("query"),
    issue.sleep("sleep", 100),
    issue.write("inline", true),
  ]);
  trace.mutation = { value: values[0] };
  await Promise.all([
    see.act("action"),
    see.child("child", "leaf"),
    see.refuse("refused"),
    see.write("beside"),
  ]);
  await see.write("last");
});

export const failsFast = program(async ({ issue, see, note }) => {
  const first = Promise.all([
    issue.sleep("sleep", 10_000),
    issue.refuse("refused"),
    issue.write("mutation"),
  ]);
  // This happens before the sleep has ended.
  await first.catch(() => see.write("after the failure"));
  const settled = Promise.allSettled([
    issue.act("action", 1),
    issue.read("query"),
  ]);
  await settled;
  await note("any", Promise.any([issue.write("b"), issue.write("c")]));
});

export const race = program(async ({ issue, see }) => {
  await Promise.race([issue.event("go", 60_000), issue.sleep("sleep", 400)]);
  await Promise.race([
    see.act("action"),
    see.write("mutation"),
    see.sleep("longer sleep", 5000),
  ]);
  await see.write("last");
});

export const branches = program(async ({ see }) => {
  await Promise.all([
    (async () => {
      await see.write("a1");
      await see.act("a2");
      await see.write("a3");
    })(),
    (async () => {
      await see.sleep("b1", 150);
      await see.read("b2");
      await see.write("b3", true);
    })(),
    (async () => {
      for (let hops = 0; hops < 20; hops++) await Promise.resolve();
      await see.read("c1");
      await see.write("c2");
    })(),
  ]);
  await see.write("last");
});

export const family = program(async ({ see }) => {
  await Promise.all([
    see.child("sequence", "sequence"),
    see.child("thrower", "thrower"),
  ]);
  await see.write("last");
});

export const thrower = workflow
  .define({ args: { run: v.string() } })
  .handler(async (step, { run }) => {
    await tracer(step, run).see.write("before");
    throw new Error("thrown by a handler");
  });

export const retries = program(async ({ see }) => {
  await see.act("second attempt", 1, 4);
  await see.act("never", 99, 2);
  await Promise.all([
    see.act("third attempt", 2, 4),
    see.act("first attempt", 0, 3),
  ]);
  await see.write("last");
});

export const events = program(async ({ see }) => {
  await see.event("go", 1000);
  await Promise.all([see.event("a", 1500), see.event("b", 30_000)]);
  await see.event("never", 500);
  await see.write("last");
});

const ofMany = { run: v.string(), n: v.number() };

/** Runs n steps of one kind, one after another. */
export const chain = workflow
  .define({ args: { ...ofMany, kind: v.string() } })
  .handler(async (step, { run, n, kind }) => {
    const { issue } = tracer(step, run);
    for (let i = 0; i < n; i++)
      if (kind === "mutation") await issue.write(`${i}`);
      else if (kind === "query") await issue.read(`${i}`);
      else await issue.act(`${i}`);
  });

/** Sleeps n times, and returns the time after each. */
export const sleeper = workflow
  .define({ args: { ...ofMany, ms: v.number() } })
  .handler(async (step, { n, ms }) => {
    const times = [Date.now()];
    for (let i = 0; i < n; i++) {
      await step.sleep(ms);
      times.push(Date.now());
    }
    return times;
  });

/** Runs n inline steps, one after another. */
export const inlineChain = workflow
  .define({
    args: {
      run: v.string(),
      n: v.number(),
      limits: v.optional(v.object({ databaseQueries: v.number() })),
    },
  })
  .handler(async (step, { run, n, limits }): Promise<number> => {
    for (let i = 0; i < n; i++)
      await step.runMutation(
        api.steps.write,
        { run, key: `${i}` },
        { inline: true, transactionLimits: limits },
      );
    return n;
  });
