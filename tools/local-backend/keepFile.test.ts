// @vitest-environment node
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { withTempDir } from "../tempDir.mjs";
import { keepFile } from "./keepFile.mjs";

const CLI_LINES = "# Deployment used by `npx convex dev`\nCONVEX_URL=x\n";

/** Returns a file's final content if `during` was written to it while it was kept. */
const kept = (before: string | undefined, during: string | undefined) =>
  withTempDir(async (dir: string) => {
    const file = path.join(dir, ".env.local");
    const write = async (content: string | undefined) => {
      if (content !== undefined) await writeFile(file, content);
    };
    await write(before);
    await keepFile(file, () => write(during));
    return await readFile(file, "utf8").catch(() => undefined);
  });

test.each([
  ["the CLI makes goes", undefined, CLI_LINES, undefined],
  ["the CLI adds to is as before", "A=1\n", `A=1\n${CLI_LINES}`, "A=1\n"],
  ["nobody writes stays away", undefined, undefined, undefined],
  ["somebody makes meanwhile stays", undefined, "A=1\n", "A=1\n"],
  ["somebody changes meanwhile stays", "A=1\n", "A=2\n", "A=2\n"],
])("a file that %s", async (_title, before, during, after) => {
  expect(await kept(before, during)).toBe(after);
});

test("a file is restored even if the callback fails", async () => {
  await withTempDir(async (dir: string) => {
    const file = path.join(dir, ".env.local");
    const failing = keepFile(file, async () => {
      await writeFile(file, CLI_LINES);
      throw new Error("It fails");
    });
    await expect(failing).rejects.toThrow("It fails");
    await expect(readFile(file)).rejects.toThrow("ENOENT");
  });
});
