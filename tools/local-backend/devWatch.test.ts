// @vitest-environment node
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { withTempDir } from "../tempDir.mjs";
import { watchSources } from "./devWatch.mjs";

/** Watches an app's folder. `next` resolves when a change is reported. */
async function watched<T>(
  body: (dir: string, next: () => Promise<void>) => Promise<T>,
) {
  await withTempDir(async (dir: string) => {
    await mkdir(path.join(dir, "_generated"));
    // The app's whole folder may be the folder of its functions.
    await mkdir(path.join(dir, "node_modules"));
    await writeFile(path.join(dir, "a.ts"), "1");
    let tell = () => {};
    const unwatch = await watchSources([dir], () => tell());
    const next = () => new Promise<void>((resolve) => (tell = resolve));
    try {
      await body(dir, next);
    } finally {
      await unwatch();
    }
  });
}

/** Replaces a file as editors do that never leave it half written. */
async function replace(file: string, content: string) {
  await writeFile(`${file}~`, content);
  await rename(`${file}~`, file);
}

test("a file is still watched after it was replaced several times", async () => {
  await watched(async (dir, next) => {
    const file = path.join(dir, "a.ts");
    for (const change of [replace, replace, writeFile, replace]) {
      const reported = next();
      await change(file, String(Math.random()));
      await reported;
    }
  });
});

test("new files in new folders are reported, but generated files, tests and editors' temporary files aren't", async () => {
  await watched(async (dir, next) => {
    const early = next();
    let wasReported = false;
    void early.then(() => (wasReported = true));
    for (const file of [
      ...["_generated/api.ts", "node_modules/a.js"],
      ...["a.test.ts", ".a.swp", "a.ts~"],
    ])
      await writeFile(path.join(dir, file), "2");
    // Changes are reported once nothing has changed for a while.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(wasReported).toBe(false);
    await mkdir(path.join(dir, "folder"));
    await writeFile(path.join(dir, "folder/b.ts"), "3");
    await early;
  });
});
