import { runs } from "../app/references.js";
import { clock } from "../clock.js";
import { sumOfSteps, type Measuring, type Scenario } from "./scenario.js";

// A run awaits n events, one after another. The mutations that send them count too.

const SIZES = { sizes: [20], quickSizes: [20] };

export const events: Scenario[] = [
  {
    name: "events awaited",
    description: "each sent a second after the one before, when it is awaited",
    ...SIZES,
    run: (n, measuring) => awaitEvents(n, measuring, 1000),
  },
  {
    name: "events sent before",
    description: "all sent as soon as the run has started",
    ...SIZES,
    run: (n, measuring) => awaitEvents(n, measuring, 0),
  },
];

async function awaitEvents(n: number, measuring: Measuring, apartMs: number) {
  const { backend } = measuring;
  let workflowId: unknown;
  await measuring.window("run", async () => {
    workflowId = await measuring.start("events", { n });
    for (let i = 0; i < n; i++) {
      if (apartMs > 0) await clock.runFor(apartMs);
      const event = { workflowId, name: `event ${i}`, value: i };
      await backend.mutation(runs.send, event);
    }
    await measuring.untilFinished(1);
  });
  await measuring.window("after", () => measuring.rest());
  await measuring.checkCompleted(workflowId as never, sumOfSteps(n));
}
