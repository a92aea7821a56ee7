// @vitest-environment node
import { expect, test } from "vitest";
import { openTerminal } from "./testing/terminal.js";

const DEMO = "example/demo/main.mjs";

/** Runs the demo in a terminal, and prints the terminal's settings before and after. */
function openDemo(args: string, nodeArgs = "") {
  const terminal = openTerminal(
    `echo before=$(stty -g); sh -c 'echo pid=$$; exec "$0" "$@"' "${process.execPath}" ${nodeArgs} ${DEMO} ${args}; echo code=$?; echo after=$(stty -g)`,
  );
  const found = (pattern: RegExp) => pattern.exec(terminal.output())?.[1];
  return {
    ...terminal,
    pid: () => Number(found(/pid=(\d+)/)),
    /** Checks that the terminal was restored, and returns the exit code. */
    async end() {
      await terminal.shows(/^after=\S+/m);
      // Each code that restores something must come after the one that changed it.
      const output = terminal.output();
      const isLast = (code: string, of: string) =>
        output.lastIndexOf(code) > output.lastIndexOf(of);
      expect(isLast("\x1b[?1049l", "\x1b[?1049h")).toBe(true);
      expect(isLast("\x1b[?25h", "\x1b[?25l")).toBe(true);
      expect(found(/after=(\S+)/)).toBe(found(/before=(\S+)/));
      expect(terminal.isTaken()).toBe(false);
      return Number(found(/code=(\d+)/));
    },
  };
}

test("a terminal shows each run with its steps, handles keys, and is restored at the end", async () => {
  const demo = openDemo("approval trip");
  await demo.shows(/\? approval {2}.*press a to approve/);
  expect(demo.isTaken()).toBe(true);
  demo.press("\x1b[A\x1b[A\x1b[A");
  await demo.shows(/^> \? approval {2}/m);
  expect(demo.screen()).toMatch(/^ {6}✓ 0 approval:ask .* success/m);
  expect(demo.screen()).toMatch(/^ {6}\? 1 decision .*waiting for this event/m);
  demo.press("a");
  await demo.shows(/✓ approval {2}.*completed, "approved"/);
  // Children are indented.
  await demo.shows(/^ {9}✓ 0 trip:book /m);

  demo.press("c");
  await demo.shows("approval is not in progress.");
  demo.press("\x1b[B");
  await demo.shows(/^> . approval \(nobody\)/m);
  await demo.shows(/✓ approval \(nobody\) .*completed, "expired"/);
  demo.press("r");
  await demo.shows(/\? approval \(nobody\) .*press a/);
  demo.press("c");
  await demo.shows(/⊘ approval \(nobody\) .*canceled/);
  demo.resize(90, 12);
  await demo.shows(/^3 of 3 runs ended/m);

  expect(await demo.end()).toBe(0);
  expect(demo.screen()).toMatch(
    /^approval \(nobody\) +canceled .*as expected/m,
  );
  expect(demo.screen()).toContain("All runs ended as expected.");
});

const crash = `--import 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("crashed")})'`;

const ENDS: [
  cause: string,
  code: number,
  end: (demo: ReturnType<typeof openDemo>) => void,
][] = [
  ["q", 130, (demo) => demo.press("q")],
  ["SIGINT", 130, (demo) => process.kill(demo.pid(), "SIGINT")],
  ["SIGTERM", 143, (demo) => process.kill(demo.pid(), "SIGTERM")],
  ["a crash", 1, (demo) => process.kill(demo.pid(), "SIGUSR2")],
];

test("q, a signal or a crash leaves the terminal as it was", async () => {
  await Promise.all(
    ENDS.map(async ([cause, code, end]) => {
      const demo = openDemo("approval", crash);
      await demo.shows("approval:ask");
      expect(demo.isTaken(), cause).toBe(true);
      end(demo);
      expect(await demo.end(), cause).toBe(code);
      expect(demo.screen()).toContain(
        cause === "a crash" ? "Error: crashed" : "Stopped.",
      );
    }),
  );
});

test("if the demo can't read keys, it still shows the runs and sends their events", async () => {
  const demo = openDemo("approval < /dev/null");
  await demo.shows(/✓ approval {2}.*completed, "approved"/);
  expect(demo.screen()).not.toContain("quit");
  expect(await demo.end()).toBe(0);
});

test("`--plain` and a dumb terminal get plain lines", async () => {
  const commands = [`node ${DEMO} trip --plain`, `TERM=dumb node ${DEMO} trip`];
  await Promise.all(
    commands.map(async (command) => {
      const { shows, output } = openTerminal(`${command}; echo code=$?`);
      await shows("code=0");
      expect(output()).not.toContain("\x1b");
      expect(output()).toContain("trip: completed");
    }),
  );
});
