import { validate } from "convex-helpers/validators";
import { describe, expect, test, vi } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import { Calls, transactionOf } from "../../testing/calls.js";
import { Footprints } from "../../testing/footprints.js";
import {
  advance,
  components,
  drain,
  effects,
  inComponent,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  cleanup,
  listenToConsole,
  restart,
  rowCounts,
} from "../../testing/managing.js";
import {
  list,
  listSteps,
  vWorkflowStep,
  type WorkflowCtx,
  type WorkflowId,
} from "../index.js";
import type { StepRequest } from "../replay/journal.js";
import { Machine, succeeded } from "../replay/testing/machine.js";
import { DAY } from "../../testing/units.js";

useBackend();
listenToConsole();

const echo = (step: WorkflowCtx, value: unknown, options?: object) =>
  step.runMutation(steps.echo, { value }, options);

type Rules = "driver" | "pool" | "0.4";
const ALL: Rules[] = ["driver", "pool", "0.4"];

const backend = (rules: Rules) =>
  newBackend({ execution: rules === "driver" ? "driver" : "pool" });

/** Starts a run under the given rules and lets an hour pass. */
async function begin(
  t: Backend,
  rules: Rules,
  handler: Handler,
): Promise<WorkflowId> {
  const id = await startHandler(t, handler, { startAsync: true });
  if (rules === "0.4")
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, { engineVersion: undefined }),
    );
  await advance(DAY / 24);
  return id;
}

const deploy = (handler: Handler) => script("handler", "main", handler);

async function names(t: Backend, id: WorkflowId) {
  return (await journal(t, id)).map(({ step }) =>
    step.kind === "function"
      ? (step.args as { value: unknown }).value
      : step.kind === "patch"
        ? `patch ${step.name}`
        : step.kind,
  );
}

async function resultOf(t: Backend, id: WorkflowId) {
  await drain();
  return await statusOf(t, id);
}

const completed = (result: unknown) => ({ type: "completed", result });

describe.each(ALL)("step.patched, with the rules of %s", (rules) => {
  const before: Handler = async (step) => {
    await echo(step, "a");
    await step.sleep(DAY);
    await echo(step, "b");
    return "before";
  };
  const after: Handler = async (step) => {
    await echo(step, "a");
    const isNew = step.patched("more");
    if (isNew) await echo(step, "new");
    await step.sleep(DAY);
    await echo(step, "b");
    return isNew;
  };

  test("is true in every turn of a run that begins with it", async () => {
    const t = backend(rules);
    const id = await begin(t, rules, after);
    expect(await names(t, id)).toEqual(["a", "patch more", "new", "sleep"]);
    expect(await resultOf(t, id)).toEqual(completed(true));
    expect(await effects(t)).toEqual(["a", "new", "b"]);
  });

  test("is false for a run that recorded another step there, and records nothing", async () => {
    const t = backend(rules);
    const id = await begin(t, rules, before);
    deploy(after);
    expect(await resultOf(t, id)).toEqual(completed(false));
    expect(await names(t, id)).toEqual(["a", "sleep", "b"]);
  });

  test("is true for a run that hasn't reached it when the code changes", async () => {
    const t = backend(rules);
    const id = await begin(t, rules, async (step) => {
      await step.sleep(DAY);
      await echo(step, "old");
    });
    deploy(async (step) => {
      await step.sleep(DAY);
      return await echo(step, step.patched("other") ? "new" : "old");
    });
    expect(await resultOf(t, id)).toEqual(completed("new"));
    expect(await names(t, id)).toEqual(["sleep", "patch other", "new"]);
  });

  test("answers each call in a loop and in parallel branches that share an id", async () => {
    const t = backend(rules);
    const branch = async (
      step: WorkflowCtx,
      name: string,
      isPatched: boolean,
    ) => {
      const answers = [];
      for (const round of [1, 2, 3]) {
        const isNew = isPatched && step.patched("same");
        answers.push(isNew);
        await echo(step, `${name}${round}${isNew ? " new" : ""}`);
        if (round === 2) await step.sleep(DAY);
      }
      return answers;
    };
    const both =
      (isPatched: boolean): Handler =>
      (step) =>
        Promise.all([
          branch(step, "x", isPatched),
          branch(step, "y", isPatched),
        ]);
    const id = await begin(t, rules, both(false));
    deploy(both(true));
    expect(await resultOf(t, id)).toEqual(
      completed([
        [false, false, true],
        [false, false, true],
      ]),
    );
    const next = await begin(t, rules, both(true));
    expect(await resultOf(t, next)).toEqual(
      completed([
        [true, true, true],
        [true, true, true],
      ]),
    );
  });

  test("is recorded if the handler returns, or throws, right after it", async () => {
    for (const end of ["returns", "throws"]) {
      const t = backend(rules);
      const id = await begin(t, rules, async (step) => {
        await echo(step, "a");
        const isNew = step.patched("last");
        if (end === "throws") throw new Error("thrown");
        return isNew;
      });
      expect(await resultOf(t, id)).toEqual(
        end === "throws"
          ? { type: "failed", error: "thrown" }
          : completed(true),
      );
      expect(await names(t, id)).toEqual(["a", "patch last"]);
      await restart(t, id, { startAsync: true });
      expect((await resultOf(t, id)).type).toBe(
        end === "throws" ? "failed" : "completed",
      );
      expect(await names(t, id)).toEqual(["a", "patch last"]);
    }
  });

  test("is recorded before inline steps, and several times in a row", async () => {
    const t = backend(rules);
    const seen = new Set<string>();
    const id = await begin(t, rules, async (step) => {
      const answers = [step.patched("one"), step.patched("two")];
      await echo(step, "a", { inline: true });
      answers.push(step.patched("one"));
      await step.sleep(1);
      answers.push(step.patched("one"));
      await echo(step, "b", { inline: true });
      seen.add(answers.join());
    });
    await resultOf(t, id);
    expect(await names(t, id)).toEqual([
      ...["patch one", "patch two", "a", "patch one"],
      ...["sleep", "patch one", "b"],
    ]);
    expect(seen).toEqual(new Set(["true,true,true,true"]));
    expect(await effects(t)).toEqual(["a", "b"]);
  });

  test("is false if the journal has a patch with another id there", async () => {
    const t = backend(rules);
    const id = await begin(t, rules, async (step) => {
      step.patched("one");
      await step.sleep(DAY);
    });
    deploy(async (step) => {
      const two = step.patched("two");
      const one = step.patched("one");
      await step.sleep(DAY);
      return [two, one];
    });
    expect(await resultOf(t, id)).toEqual(completed([false, true]));
  });

  test("in a child, is decided by the child's own journal", async () => {
    const t = backend(rules);
    script("handler", "child", async (step) => {
      await step.sleep(DAY);
      await echo(step, "old");
    });
    const parent: Handler = (step) =>
      step.runWorkflow(workflows.workflow, { handler: "child" });
    const id = await begin(t, rules, parent);
    script("handler", "child", async (step) => {
      const early = step.patched("early");
      await step.sleep(DAY);
      const late = step.patched("late");
      await echo(step, late ? "new" : "old");
      return [early, late];
    });
    expect(await resultOf(t, id)).toEqual(completed([false, true]));
  });

  test("is true again if a restart deletes the step that was recorded there", async () => {
    const t = backend(rules);
    const id = await begin(t, rules, before);
    await drain();
    deploy(after);
    await restart(t, id, { from: "sleep", startAsync: true });
    expect(await resultOf(t, id)).toEqual(completed(true));
    await restart(t, id, { from: "more", startAsync: true });
    expect(await resultOf(t, id)).toEqual(completed(true));
    expect(await names(t, id)).toEqual([
      "a",
      "patch more",
      "new",
      "sleep",
      "b",
    ]);
    await restart(t, id, { from: 2, startAsync: true });
    expect(await resultOf(t, id)).toEqual(completed(true));
    expect(await effects(t)).toEqual([
      "a",
      "b",
      "new",
      "b",
      "new",
      "b",
      "new",
      "b",
    ]);
  });

  test("prints to the console once, in the turn that records it", async () => {
    const t = backend(rules);
    const said: unknown[] = [];
    vi.spyOn(console, "log").mockImplementation((line) => said.push(line));
    const id = await begin(t, rules, (step) => step.sleep(DAY));
    await drain();
    deploy(async (step) => {
      await step.sleep(DAY);
      console.log("passed");
      if (step.patched("new")) console.log("new");
      await step.sleep(DAY);
    });
    await restart(t, id, { startAsync: true });
    await resultOf(t, id);
    // 0.4 counts what follows the last recorded step as new.
    expect(said).toEqual(rules === "0.4" ? ["passed", "new"] : ["new"]);
  });

  describe("step.deprecatePatch", () => {
    const deprecated: Handler = async (step) => {
      await echo(step, "a");
      step.deprecatePatch("more");
      await echo(step, "new");
      await step.sleep(DAY);
      await echo(step, "b");
      return "deprecated";
    };
    const removed: Handler = async (step) => {
      await echo(step, "a");
      await echo(step, "new");
      await step.sleep(DAY);
      await echo(step, "b");
      return "removed";
    };

    test("accepts a patch that patched recorded", async () => {
      const t = backend(rules);
      const id = await begin(t, rules, after);
      deploy(deprecated);
      expect(await resultOf(t, id)).toEqual(completed("deprecated"));
      expect(await names(t, id)).toEqual([
        "a",
        "patch more",
        "new",
        "sleep",
        "b",
      ]);
    });

    test("records nothing in new runs, which continue when it is removed", async () => {
      const t = backend(rules);
      const id = await begin(t, rules, deprecated);
      expect(await names(t, id)).toEqual(["a", "new", "sleep"]);
      deploy(removed);
      expect(await resultOf(t, id)).toEqual(completed("removed"));
    });

    test("fails a run that needs the old branch, which restarts once the code has both", async () => {
      const t = backend(rules);
      const id = await begin(t, rules, before);
      deploy(deprecated);
      const failed = await resultOf(t, id);
      expect(failed).toMatchObject({
        type: "failed",
        error: expect.stringMatching(
          /^Determinism violation in workflow \S+ at step 1: the kind differs/,
        ) as string,
      });
      deploy(after);
      await restart(t, id);
      expect(await resultOf(t, id)).toEqual(completed(false));
      expect(await effects(t)).toEqual(["a", "b"]);
    });

    test("is still needed while a run has the patch, as the error says", async () => {
      const t = backend(rules);
      const id = await begin(t, rules, after);
      deploy(removed);
      const failed = (await resultOf(t, id)) as { error: string };
      expect(failed.error).toContain(
        'at step 1: the kind differs.\n  The journal holds: patch "more"\n',
      );
      expect(failed.error).toContain('step.deprecatePatch("more")');
      deploy(deprecated);
      await restart(t, id);
      expect(await resultOf(t, id)).toEqual(completed("deprecated"));
    });
  });
});

const patch: StepRequest = {
  kind: "patch",
  name: "id",
  args: {},
  unstableArgs: true,
  inline: false,
};

/** Returns the cost of ten mutation steps, each after `calls` calls of `patched`. */
async function costOfTen(execution: "driver" | "pool", patches: number) {
  const calls = new Calls();
  const t = newBackend({ execution, wrap: calls.wrap });
  const footprints = new Footprints(calls);
  const { status } = await runHandler(t, async (step) => {
    for (let round = 0; round < 10; round++) {
      for (let asked = 0; asked < patches; asked++) step.patched("id");
      await echo(step, round);
    }
  });
  expect(status.type).toBe("completed");
  const writes = footprints.transactions().flatMap((each) => each.writes);
  return {
    calls: calls.all.length,
    transactions: calls.all.filter((call) => transactionOf(call) === call)
      .length,
    written: writes.length,
  };
}

describe("a recorded patch", () => {
  test.each(["driver", "pool"] as const)(
    "costs one written document and no transaction (%s)",
    async (execution) => {
      const without = await costOfTen(execution, 0);
      for (const patches of [1, 3])
        expect(await costOfTen(execution, patches)).toEqual({
          ...without,
          written: without.written + 10 * patches,
        });
    },
  );

  test("counts among the steps that one turn records", async () => {
    const machine = new Machine(async (ask, replay) => {
      const answers = Array.from({ length: 7 }, () =>
        replay.patched(patch, true),
      );
      await ask("step");
      return answers.join();
    });
    machine.outcomeAtOnce = () => succeeded(null);
    machine.limits.newSteps = 3;
    const ends = [];
    do ends.push(await machine.turn());
    while (ends.at(-1)!.kind === "yielded");
    const written = machine.records.map((record) => record.steps.length);
    expect(written.slice(0, 3)).toEqual([3, 3, 2]);
    expect(ends.at(-1)).toEqual({
      kind: "returned",
      value: Array(7).fill(true).join(),
    });
  });

  const patched: Handler = async (step) => {
    step.patched("id");
    await step.sleep(DAY);
  };

  test("is listed with its own kind and deleted with its run", async () => {
    const t = newBackend();
    const id = await begin(t, "driver", patched);
    const { page } = await t.query((ctx) =>
      listSteps(ctx, components.workflow, id),
    );
    expect(page[0]).toMatchObject({
      kind: "patch",
      name: "id",
      stepNumber: 0,
      args: {},
      state: "done",
      runResult: { kind: "success", returnValue: null },
      attempts: [],
    });
    expect(page[0]!.completedAt).toBe(page[0]!.startedAt);
    expect(validate(vWorkflowStep, page[0])).toBe(true);
    const runs = await t.query((ctx) => list(ctx, components.workflow));
    expect(runs.page[0]!.blockedOn).toEqual([
      { stepNumber: 1, name: "sleep", kind: "sleep" },
    ]);
    await drain();
    await cleanup(t, id);
    await drain();
    expect(await rowCounts(t)).toEqual({});
  });

  test.each([undefined, "", 7, "\ud800", "x".repeat(2000)])(
    "can't have the id %j",
    async (id) => {
      const t = newBackend();
      for (const method of ["patched", "deprecatePatch"] as const) {
        const { status } = await runHandler(t, async (step) => {
          step[method](id as string);
        });
        expect(status).toMatchObject({
          type: "failed",
          error: expect.stringMatching(
            /Invalid id of a patch|^The name /,
          ) as string,
        });
      }
    },
  );
});
