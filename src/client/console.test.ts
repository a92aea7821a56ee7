import type { ConvexError } from "convex/values";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../testing/app/_generated/api.js";
import { manager } from "../testing/app/workflows.js";
import {
  inComponent,
  newBackend,
  script,
  startHandler,
  useBackend,
  type Backend,
} from "../testing/harness.js";
import type { ConsoleOperation } from "./index.js";

useBackend();

type Request = { operation: ConsoleOperation; workflowId?: string };

let requests: Request[];
beforeEach(() => {
  requests = [];
  authorize(() => true);
});

function authorize(decide: (request: Request) => unknown) {
  script("query", "authorize", (_ctx, request: Request) => {
    requests.push(request);
    return decide(request);
  });
}

const FIRST = { numItems: 50, cursor: null };

/** One call of each function about a run. */
const CALLS: Record<
  ConsoleOperation,
  (t: Backend, id: string) => Promise<unknown>
> = {
  listRuns: (t) => t.query(api.console.listRuns, { paginationOpts: FIRST }),
  getRun: (t, workflowId) => t.query(api.console.getRun, { workflowId }),
  listSteps: (t, workflowId) =>
    t.query(api.console.listSteps, { workflowId, paginationOpts: FIRST }),
  stats: (t) => t.query(api.console.stats, {}),
  cancel: (t, id) => t.mutation(api.console.cancel, { workflowIds: [id] }),
  restart: (t, id) => t.mutation(api.console.restart, { workflowIds: [id] }),
  cleanup: (t, id) => t.mutation(api.console.cleanup, { workflowIds: [id] }),
  sendEvent: (t, workflowId) =>
    t.mutation(api.console.sendEvent, { workflowId, name: "go" }),
};
const OPERATIONS = Object.keys(CALLS) as ConsoleOperation[];
const ABOUT_ALL: ConsoleOperation[] = ["listRuns", "stats"];

/** What `call` throws. */
async function thrownBy(call: Promise<unknown>): Promise<ConvexError<any>> {
  try {
    await call;
  } catch (error) {
    return error as ConvexError<any>;
  }
  throw new Error("It was allowed");
}

const everything = (t: Backend) =>
  inComponent(t, async ({ db }) => ({
    runs: await db.query("workflows").collect(),
    steps: await db.query("steps").collect(),
    events: await db.query("events").collect(),
    tasks: await db.query("tasks").collect(),
  }));

describe("authorize", () => {
  test.each(OPERATIONS)(
    "%s: is asked first, with the operation and the run",
    async (operation) => {
      const t = newBackend();
      const id = await startHandler(t, (step) =>
        step.awaitEvent({ name: "go" }),
      );
      await CALLS[operation](t, id);
      expect(requests).toEqual([
        ABOUT_ALL.includes(operation)
          ? { operation }
          : { operation, workflowId: id },
      ]);
    },
  );

  describe.each([
    ["false", () => false],
    ["nothing", () => undefined],
    ["a truthy value that isn't true", () => "yes"],
    ["a promise of false", () => Promise.resolve(false)],
    [
      "an error",
      () => {
        throw new Error("secret");
      },
    ],
  ])("that gives %s", (_what, decide) => {
    test.each(OPERATIONS)(
      "%s: shows nothing, does nothing, and is silent about whether the run exists",
      async (operation) => {
        vi.spyOn(console, "warn").mockImplementation(() => undefined);
        const t = newBackend();
        const id = await startHandler(t, (step) =>
          step.awaitEvent({ name: "go" }),
        );
        const before = await everything(t);
        authorize(decide);
        const message = `Not authorized to call ${operation} of this console.`;
        for (const asked of [id, id.replace(/^\d+/, "99999"), "no id"]) {
          const error = await thrownBy(CALLS[operation](t, asked));
          expect(error.data).toEqual({ code: "UNAUTHORIZED", message });
        }
        expect(await everything(t)).toEqual(before);
      },
    );
  });

  test("that is missing or no function is refused when the console is defined", () => {
    for (const options of [{}, { authorize: true }, undefined, null])
      expect(() => manager.console(options as never)).toThrow(/authorize/);
  });
});
