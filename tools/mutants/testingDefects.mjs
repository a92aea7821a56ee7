/** Defects in the helpers of `@convex-dev/workflow/test`. See defects.mjs. */

const drive = (title) => ({ file: "src/testHelpers/drive.test.ts", title });
const mocks = (title) => ({ file: "src/testHelpers/mocks.test.ts", title });
const isolation = (title) => ({
  file: "src/testHelpers/isolation.node.test.ts",
  title,
});

export const TESTING_DEFECTS = [
  {
    name: "testing: deadlines let time pass",
    file: "src/testHelpers/remaining.ts",
    find: 'kind: isDeadline ? "deadline" : "work"',
    replace: 'kind: "work"',
    killedBy: drive(
      "lets no time pass for deadlines and retention alone, but applies them if time passes for another run",
    ),
  },
  {
    name: "testing: retention lets time pass",
    file: "src/testHelpers/remaining.ts",
    find: 'if (kind === "expire") continue;',
    replace: "",
    killedBy: drive(
      "lets no time pass for deadlines and retention alone, but applies them if time passes for another run",
    ),
  },
  {
    name: "testing: functions of ended runs not awaited",
    file: "src/testHelpers/remaining.ts",
    find: 'if ("functionType" in step) return "work";\n  if (run.runResult) return undefined;',
    replace:
      'if (run.runResult) return undefined;\n  if ("functionType" in step) return "work";',
    killedBy: drive("finishes function steps that a run left in flight"),
  },
  {
    name: "testing: timers fire while functions run",
    file: "src/testHelpers/clock.ts",
    find: "const IDLE_TURNS = 20;",
    replace: "const IDLE_TURNS = 0;",
    killedBy: drive(
      "fires an action's own timer before a longer sleep and after a shorter one",
    ),
  },
  {
    name: "testing: functions of the app that are due left out",
    file: "src/testHelpers/clock.ts",
    find: "return Promise.resolve(!isReached);",
    replace: "return Promise.resolve(false);",
    killedBy: drive(
      "runs the app's functions that are due by then, but no later ones",
    ),
  },
  {
    name: "testing: restored timers not noticed",
    file: "src/testHelpers/clock.ts",
    find: "if (fakeClock() !== this.clock)",
    replace: "if (false as boolean)",
    killedBy: drive(
      "throws if the timers are restored meanwhile, and doesn't touch them again",
    ),
  },
  {
    name: "testing: results of mocks not copied",
    file: "src/testHelpers/inlineSteps.ts",
    find: "jsonToConvex(convexToJson(((await fn(args)) ?? null) as Value))",
    replace: "((await fn(args)) ?? null)",
    killedBy: mocks(
      "the mock must return a Convex value, like a function, and after undo, the step calls its function or an earlier mock again",
    ),
  },
  {
    name: "testing: runs of the app mocked as children",
    file: "src/testHelpers/mocks.ts",
    find: "if (!run?.parent) return await callReal();",
    replace: "if (!run) return await callReal();",
    killedBy: mocks("a run that the app starts isn't mocked"),
  },
  {
    name: "testing: inline calls of other functions mocked",
    file: "src/testHelpers/inlineSteps.ts",
    find: "backend && workflows.has(metadata)",
    replace: "backend",
    killedBy: mocks(
      "only steps call the mock, not the test, another function or onComplete",
    ),
  },
  {
    name: "testing: mocks run in the component's context",
    file: "src/testHelpers/mocks.ts",
    find: "fn: inThisContext(fn)",
    replace: "fn: fn as Mock['fn']",
    killedBy: mocks("a mock of an action or a query can use the backend"),
  },
  {
    name: "testing: work left behind under another clock done",
    file: "src/testHelpers/mocks.ts",
    find: "isLeftBehind(backend) && !(await currentCall())",
    replace: "false",
    killedBy: isolation(
      "a run that was left behind in real time does nothing under fake timers",
    ),
  },
];
