import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, vi } from "vitest";
import { ROOT } from "../../paths.mjs";
import { run } from "../../run.mjs";
import { findServer } from "../devState.mjs";
import { POLLING } from "./eventually.js";

const running = new Set<ChildProcess>();

/** Ends processes that a failed test left behind. */
export function killLeftovers() {
  for (const child of running) child.kill("SIGKILL");
}

/** A process that a test started, with its output. */
export class TestProcess {
  output = "";
  stdout = "";
  readonly child: ChildProcess;
  readonly #exit: Promise<number | null>;

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream
        ?.setEncoding("utf8")
        .on("data", (text: string) => (this.output += text));
    }
    this.child.stdout?.on("data", (text: string) => (this.stdout += text));
    running.add(this.child);
    this.#exit = once(this.child, "close").then(([code]) => {
      running.delete(this.child);
      return code;
    });
  }

  /** Waits until it has printed something. */
  async prints(text: string | RegExp) {
    // Unlike `expect.poll`, this works in hooks. It ends before their timeout, to show the output.
    const timeout = POLLING.timeout / 3;
    const options = { ...POLLING, timeout };
    await vi.waitFor(() => expect(this.output).toMatch(text), options);
  }

  /** @returns the exit code */
  async exits() {
    return this.#exit;
  }

  async stop(signal: NodeJS.Signals = "SIGINT") {
    this.child.kill(signal);
    return this.exits();
  }
}

const DEV_SCRIPT = path.join(ROOT, "tools/local-backend/dev.mjs");
const CLI_SCRIPT = path.join(ROOT, "tools/local-backend/cli.mjs");

/** `npm run dev:local` of an app. */
export function startDev(app: string, ...args: string[]) {
  return startDevWith({}, app, ...args);
}

/** The same, with variables of the environment. */
export function startDevWith(
  env: NodeJS.ProcessEnv,
  app: string,
  ...args: string[]
) {
  const options = ["--app", app, "--typecheck", "disable", ...args];
  return new TestProcess(process.execPath, [DEV_SCRIPT, ...options], env);
}

/** `npm run dev:local` of an app, by npm. */
export function startDevByNpm(app: string) {
  return new TestProcess("npm", [
    ...["run", "--silent", "dev:local", "--"],
    ...["--app", app, "--typecheck", "disable"],
  ]);
}

/** `npm run dev:local` of an app, when it has pushed. */
export async function startPushedDev(app: string, ...args: string[]) {
  return await whenPushed(app, startDev(app, ...args));
}

export async function whenPushed(app: string, dev: TestProcess) {
  await dev.prints(/Ctrl-C stops|Not pushed/);
  if (dev.output.includes("Not pushed")) throw new Error(dev.output);
  const server = await findServer(app);
  if (!server) throw new Error(`No server:\n${dev.output}`);
  return { ...server, dev };
}

/** `npm run convex -- <args>`, to its end. */
export function convex(app: string, ...args: string[]) {
  return run(process.execPath, [CLI_SCRIPT, "--app", app, ...args]);
}

/** `npm run convex -- <args>`, to be stopped. */
export function startConvex(app: string, ...args: string[]) {
  return new TestProcess(process.execPath, [
    ...[CLI_SCRIPT, "--app", app],
    ...args,
  ]);
}
