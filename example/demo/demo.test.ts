// @vitest-environment node
import { execFile } from "node:child_process";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ROOT } from "../../tools/paths.mjs";
import { run } from "../../tools/run.mjs";
import type { Change } from "./types.mjs";

const MAIN = path.join(ROOT, "example/demo/main.mjs");

/** Runs the script of `npm run demo` without npm's own output. */
function demo(...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>(
    (resolve) => {
      const child = execFile(
        process.execPath,
        [MAIN, ...args],
        (_error, stdout, stderr) =>
          resolve({ code: child.exitCode ?? 1, stdout, stderr }),
      );
    },
  );
}

/** Returns the lines printed for one run, without times and ids. */
const story = (output: string, label: string) =>
  output
    .split("\n")
    .filter((line) => line.includes(`s  ${label}: `))
    .map((line) =>
      line
        .replace(/^ *[\d.]+ s {2}.*?: /, "")
        .replace(/ \(took [\d.]+ s\)/, ""),
    );

/** They start together, because a demo waits most of the time. */
function startDemos() {
  const piped = ["example", "approval", "trip", "transcription"];
  const asJson = ["signals", "booking", "subscription", "race", "fanOut"];
  return {
    piped: run("npm", ["run", "--silent", "demo", ...piped], { cwd: ROOT }),
    failing: demo("example", "--fail"),
    asJson: demo("--json", ...asJson),
  };
}

let started: ReturnType<typeof startDemos>;
beforeAll(() => {
  started = startDemos();
});

test("`npm run demo` in a pipe prints the progress of several workflows at once, then exits", async () => {
  const { code, output } = await started.piped;
  expect(code, output).toBe(0);
  expect(output).not.toContain("\x1b");
  expect(story(output, "example")).toEqual([
    expect.stringMatching(/^started .*shortened to 0.5 s/),
    "step 0 example:countGreetings: started",
    "step 0 example:countGreetings: success, 0",
    "step 1 example:compose: started",
    ...optional(output, "step 1 example:compose: attempt 2 of 3"),
    "step 1 example:compose: attempt 3 of 3",
    'step 1 example:compose: success, "Hello, James!"',
    "step 2 example:save: started",
    "step 2 example:save: success",
    "step 3 sleep: sleeping",
    "step 3 sleep: success",
    'completed, "Hello, James!"',
  ]);
  expect(story(output, "approval")).toEqual([
    "started (waits for a decision)",
    "step 0 approval:ask: started",
    "step 0 approval:ask: success",
    "step 1 decision: waiting for this event",
    expect.stringMatching(/^\$ npx convex run approval:decide/),
    'step 1 decision: success, {"approved":true}',
    'completed, "approved"',
  ]);
  expect(story(output, "approval (nobody)").at(-1)).toBe(
    'completed, "expired"',
  );
  expect(story(output, "trip")).toContain("step 1.1 hotel confirms: sleeping");
  expect(output).toMatch(/^example +completed +4 +2 .*as expected$/m);
  expect(output).toMatch(
    /^transcription \(jpg\) +failed +1 +0 .*as expected$/m,
  );
  expect(output).toContain("All runs ended as expected.");
});

/** Expects a line only if the demo read the run in time to print it. */
const optional = (output: string, line: string) =>
  output.includes(line) ? [line] : [];

test("if a run fails unexpectedly, the demo exits with 1 and prints the component's warning", async () => {
  const { code, stdout, stderr } = await started.failing;
  expect(code).toBe(1);
  expect(stdout).toContain("The service is down (attempt 3) (took");
  expect(stdout).toContain("1 of 1 runs did not end as expected.");
  expect(stderr).toContain("The service is down (attempt 3)");
});

test("`--json` prints one line for each change, and the summary last", async () => {
  const { code, stdout, stderr } = await started.asJson;
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Change);
  const summary = lines.pop();
  expect(summary).toMatchObject({
    ...{ type: "summary", ok: true },
    runs: [
      { run: "signals", state: "completed", result: ["Tea", "Yes", "Yes"] },
      { run: "fanOut", steps: 2 },
      { run: "booking", result: { booked: true } },
      { run: "booking (sold out)", result: { booked: false } },
      { run: "subscription", result: { renewals: 2 } },
      { run: "subscription (goes on)", result: { renewals: 1 } },
      { run: "race", result: { provider: "Swift" } },
    ],
  });

  for (const { run } of lines.filter(({ type }) => type === "runStarted")) {
    const types = lines
      .filter((line) => line.run === run)
      .map(({ type }) => type);
    expect(types[0]).toBe("runStarted");
    expect(types.at(-1)).toBe("runEnded");
  }
  const times = lines.map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const answers = lines.filter(
    (line) => line.type === "command" && line.run === "signals",
  );
  expect(answers).toHaveLength(3);
  // Every step that ended had started.
  for (const line of lines)
    if (line.type === "stepEnded")
      expect(lines).toContainEqual(
        expect.objectContaining({
          ...{ type: "stepStarted", run: line.run, step: line.step },
        }),
      );
});

test("an unknown name exits with 2 and lists the known ones", async () => {
  const { code, stdout, stderr } = await demo("races");
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/no workflow "races".*onboarding.*race/);
});

test("`--help` lists the options", async () => {
  const { code, stdout } = await demo("--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/onboarding, approval.*--plain.*--json/s);
});
