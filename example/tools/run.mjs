import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {Promise<{ code: number, output: string }>} `output` is empty if the
 *   command inherits this process's streams
 */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, {
    ...options,
    stdio: options.stdio === "inherit" ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => (output += text));
  }
  const [code, signal] = await once(child, "close");
  return { code: signal ? 1 : code, output };
}
