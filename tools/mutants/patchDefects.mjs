/** Defects in patches and in replaying histories. See defects.mjs. */

const RANDOM = "src/testing/random/patches.test.ts";
const IN_MEMORY = {
  file: RANDOM,
  title:
    "code that is edited behind patches, at any moment of a run, replays and takes the right branch",
};
const ON_BACKEND = {
  file: RANDOM,
  title:
    "on a backend, edited code takes the right branch, driven, in the pool, and in runs that 0.4 began",
};
const patched = (title) => ({ file: "src/client/turn/patched.test.ts", title });
const replayed = (title) => ({
  file: "src/testHelpers/replayHistory.test.ts",
  title,
});

export const PATCH_DEFECTS = [
  {
    name: "patch: true where another step is recorded",
    file: "src/client/replay/replay.ts",
    find: "const holds = entry ? isPatch(entry, patch.name) : records;",
    replace: "const holds = entry?.kind === 'patch' || records;",
    killedBy: IN_MEMORY,
  },
  {
    name: "patch: the answer not consumed",
    file: "src/client/replay/replay.ts",
    find: "void this.request(patch);",
    replace: "if (!entry) void this.request(patch);",
    killedBy: IN_MEMORY,
  },
  {
    name: "patch: delivered as a result",
    file: "src/client/replay/replay.ts",
    find: 'entry?.outcome && !entry.delivery && entry.kind !== "patch";',
    replace: "entry?.outcome && !entry.delivery;",
    killedBy: patched("costs one written document and no transaction (driver)"),
  },
  {
    name: "patch: its id not compared",
    file: "src/client/replay/journal.ts",
    find: 'kind === "patch" && name === id;',
    replace: 'kind === "patch" && id !== "";',
    killedBy: patched(
      "is false if the journal has a patch with another id there",
    ),
  },
  {
    name: "patch: deprecatePatch records one",
    file: "src/client/turn/stepContext.ts",
    find: "replay.patched(patch(id, rules), false)",
    replace: "replay.patched(patch(id, rules), true)",
    killedBy: patched(
      "records nothing in new runs, which continue when it is removed",
    ),
  },
  {
    name: "patch: not passed when a run of 0.4 is replayed",
    file: "src/client/replay/legacy/replay.ts",
    find: 'while (this.asked[this.taken]?.kind === "patch") this.taken++;',
    replace: "",
    killedBy: ON_BACKEND,
  },
  {
    name: "patch: not recorded before the requests of a run of 0.4",
    file: "src/client/replay/legacy/replay.ts",
    find: "if (!entry) this.newPatch = Math.min(this.newPatch, stepNumber);",
    replace: "",
    killedBy: patched(
      "is recorded if the handler returns, or throws, right after it",
    ),
  },
  {
    name: "patch: recorded though a run of 0.4 asks for it too late",
    file: "src/client/replay/legacy/replay.ts",
    find: "this.askedBefore = this.asked.length;",
    replace: "",
    killedBy: ON_BACKEND,
  },
  {
    name: "history: places of results left out",
    file: "src/engine/turn/history.ts",
    find: "...{ delivery, heldBack, failure, argsOmitted, unstarted },",
    replace: "...{ heldBack, failure, argsOmitted, unstarted },",
    killedBy: replayed(
      "executes the handler over the journal of a run that is completed",
    ),
  },
  {
    name: "history: steps of 0.4 in flight answered",
    file: "src/testHelpers/replayHistory.ts",
    find: "row.unstarted = isLegacy && step.inProgress;",
    replace: "row.unstarted = false;",
    killedBy: replayed("replays a run that 0.4 began by the rules of 0.4"),
  },
];
