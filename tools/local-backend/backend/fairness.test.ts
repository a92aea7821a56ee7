// @vitest-environment node
import { expect, test } from "vitest";
import { startBackend, WORKFLOW_APP } from "../testing/backend.js";

// Drivers hold slots of the deployment's scheduler, and those of actions also hold slots of the workpool. Times are
// virtual, so they depend on the backend's latencies and slots, not on the machine.

interface Options {
  chains: number;
  steps: number;
  kind: "mutation" | "action";
  maxParallelism: number;
}

/** Starts chains a second apart, then measures how late other work is on the same backend. */
async function beside({ chains, steps, kind, maxParallelism }: Options) {
  let transactions = 0;
  const { clock, deployment, run } = await startBackend(WORKFLOW_APP, {
    faults: {
      maxConcurrentJobs: 8,
      hopLatencyMs: [2, 5],
      callLatencyMs: [500, 600],
      onBoundary: ({ when, function: name }) => {
        // Don't count the scheduler's own writes about its jobs.
        if (when === "after" && name !== "_system:scheduler") transactions++;
      },
      crashAt: ({ when, action, call }) => {
        const isQuery = /^driving:(mayHoldOn|dueStep)$/.test(call);
        if (when === "before" && action === "driving:drive" && isQuery)
          transactions++;
        return false;
      },
    },
    sharesContexts: () => true,
  });
  const start = (program: string, args: object) =>
    run("runs:startWith", { program, args: args as never });
  await run(
    "utils:updateConfig",
    { maxParallelism },
    { componentPath: "workflow" },
  );
  for (let i = 0; i < chains; i++) {
    await start("chain", { run: `chain${i}`, n: steps, kind });
    await clock.advance(1000);
  }
  const begun = clock.now();
  await start("sleeper", { run: "sleeper", n: 5, ms: 500 });
  await start("chain", { run: "one", n: 1, kind });
  await run("runs:schedule", { run: "app", key: "scheduled", ms: 500 });
  await clock.advance(5000);
  const during = await deployment.rows("endings");
  const chainsBusy = chains - during.filter(isChain).length;
  await clock.advance(10 * 60_000);
  const endings: { run: string; _creationTime: number }[] =
    await deployment.rows("endings");
  const [scheduled] = (await deployment.rows("effects")).filter(
    ({ run }: { run: string }) => run === "app",
  );
  const [sleeper] = (await deployment.rows("workflows", "workflow")).filter(
    ({ args }: { args: { run: string } }) => args.run === "sleeper",
  );
  const woken: number[] = sleeper.runResult.returnValue;
  const ended = endings.find((row) => row.run === "one")!;
  return {
    chainsBusy,
    ended: endings.length,
    sleepsLate: woken.slice(1).map((time, i) => time - woken[i]! - 500),
    oneStepRun: ended._creationTime - begun,
    scheduledLate: scheduled._creationTime - begun - 500,
    transactionsPerStep: transactions / (chains * steps),
  };
}

const isChain = ({ run }: { run: string }) => run.startsWith("chain");

test.each([
  ["C10", 12, "mutation", 25, 3000, 100],
  ["C11", 5, "mutation", 5, 5000, 100],
  ["C11", 5, "action", 5, 5000, 40],
] as const)(
  "%s: beside %d chains of %s steps on 8 scheduler slots, at maxParallelism %d, a sleep and the app's scheduled function are on time, and a new run with one step ends within %d ms",
  { timeout: 300_000 },
  async (_limit, chains, kind, maxParallelism, newRunMs, steps) => {
    const found = await beside({ chains, steps, kind, maxParallelism });
    expect(found).toMatchObject({ chainsBusy: chains, ended: chains + 2 });
    for (const late of found.sleepsLate) expect(late).toBeLessThan(2000);
    expect(found.oneStepRun).toBeLessThan(newRunMs);
    expect(found.scheduledLate).toBeLessThan(2000);
    if (kind === "mutation")
      expect(found.transactionsPerStep).toBeLessThan(1.2);
  },
);
