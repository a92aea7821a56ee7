import { run } from "../../run.mjs";

/** Returns the ids of a process's children, their children and so on. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const { output } = await run("ps", ["-A", "-o", "pid=,ppid="]);
  const parents = output
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = new Set([pid]);
  // A child may be listed before its parent.
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [child = 0, parent = 0] of parents) {
      if (found.has(parent)) found.add(child);
    }
  }
  found.delete(pid);
  return [...found];
}

export function isAlive(pid: number) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
