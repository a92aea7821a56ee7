// @vitest-environment node
import path from "node:path";
import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "../tools/paths.mjs";
import { run } from "../tools/run.mjs";
import { parseOptions } from "./options.js";

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs what `npm run demo` does, without what npm prints. */
function runDemo(...args: string[]): Promise<Ended> {
  const argv = [path.join(ROOT, "example/demo/main.mjs"), ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, stdout, stderr }),
    );
  });
}

/** The lines of one scenario's steps, without times and numbers that vary. */
function story(output: string, command: string): string[] {
  const [, scenario = ""] = output.split(`npx convex run ${command} `);
  return scenario
    .split("\n\n")[0]!
    .split("\n")
    .slice(1)
    .map((line) =>
      line
        .replace(/^ +[\d.]+ s +/, "")
        .replace(/ \(took [\d.]+ s\)/, "")
        .replace(/ +/g, " ")
        .replace(/in [\d.]+ s$/, "in … s"),
    );
}

test.concurrent(
  "`npm run demo` shows each step of each workflow, and ends by itself",
  async () => {
    const { code, output } = await run("npm", ["run", "--silent", "demo"], {
      cwd: ROOT,
    });
    expect(code, output).toBe(0);
    expect(story(output, "example:exampleWorkflow")).toEqual([
      "step 0 example:countGreetings: started",
      "step 0 example:countGreetings: success, 0",
      "step 1 example:compose: started",
      'step 1 example:compose: attempt 1 of 3 failed with "The service is down (attempt 1)", the next in … s',
      'step 1 example:compose: attempt 2 of 3 failed with "The service is down (attempt 2)", the next in … s',
      'step 1 example:compose: success, "Hello, James!"',
      "step 2 example:save: started",
      "step 2 example:save: success",
      "step 3 sleep: started",
      "step 3 sleep: success",
      'run completed, "Hello, James!"',
    ]);
    const [answered, ignored] = output.split("approval that nobody sends");
    expect(story(answered!, "approval:decide")).toEqual([
      'step 1 decision: success, {"approved":true}',
      'run completed, "approved"',
    ]);
    expect(story(ignored!, "approval:start")).toEqual([
      "step 0 approval:ask: started",
      "step 0 approval:ask: success",
      "step 1 decision: started",
      expect.stringMatching(/^step 1 decision: failed, Timed out/),
      'run completed, "expired"',
    ]);
    const trip = story(output, "trip:start");
    expect(trip.filter((line) => line.startsWith("step 0.0"))).toEqual([
      "step 0.0 trip:book: started",
      "step 0.0 trip:book: success",
    ]);
    expect(trip.filter((line) => line.startsWith("step 1.1"))).toEqual([
      "step 1.1 hotel confirms: started",
      "step 1.1 hotel confirms: success",
    ]);
    expect(trip.at(-1)).toMatch(/^run completed, .*"total":360/);
    expect(output).toMatch(/^example:exampleWorkflow +success +4 +2 /m);
    expect(output).toMatch(/^trip:bookHotel +success +2 +0 /m);
  },
);

test.concurrent(
  "a run that fails though it should not makes the demo fail, tidily",
  async () => {
    const { code, stdout, stderr } = await runDemo("--fail");
    expect(code).toBe(1);
    expect(stdout).toContain("failed, The service is down (attempt 3)");
    expect(stdout).toContain('It should have: completed, "Hello, James!".');
    expect(stdout).toContain("1 of the runs did not end as it should.");
    expect(stdout).toContain('run       completed, "approved"');
    // What the component logs of a handler that throws, and nothing else.
    expect(stderr).toMatch(
      /^Workflow \S+ \("example:exampleWorkflow"\) fails: Error: The service is down \(attempt 3\)\n$/,
    );
  },
);

test.concurrent(
  "an unknown option is refused, and told which exist",
  async () => {
    const { code, stdout, stderr } = await runDemo("--verbose");
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/Unknown option "--verbose".*--fail.*--help/s);
  },
);

test("options are what was asked for", () => {
  expect(parseOptions([])).toEqual({ help: false, fail: false });
  expect(parseOptions(["--fail", "--help"])).toEqual({
    help: true,
    fail: true,
  });
});
