import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a command until it exits.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions & { stop?: AbortSignal }} options
 *   `stop` ends the command. It also ends everything that the command started,
 *   unless the command inherits this process's streams
 * @returns {Promise<{ code: number, output: string }>} `output` is empty if the
 *   command inherits this process's streams
 */
export async function run(command, args, { stop, ...options } = {}) {
  const inherits = options.stdio === "inherit";
  // Ctrl-C in the terminal must reach a command that inherits it, so it gets no group.
  const isGroup = stop !== undefined && !inherits;
  const child = spawn(command, args, {
    ...options,
    stdio: inherits ? "inherit" : ["ignore", "pipe", "pipe"],
    detached: isGroup,
  });
  const end = () => process.kill(isGroup ? -child.pid : child.pid, "SIGTERM");
  stop?.addEventListener("abort", end);
  child.once("exit", () => stop?.removeEventListener("abort", end));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => (output += text));
  }
  const [code, signal] = await once(child, "close");
  return { code: signal ? 1 : code, output };
}
