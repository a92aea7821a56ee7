// @vitest-environment node
import { expect, test } from "vitest";
import { ROOT } from "../paths.mjs";
import { run } from "../run.mjs";
import { buildIfNeeded } from "./devBuild.mjs";

test("a build that is newer than its sources isn't repeated, because other processes use it", async () => {
  await buildIfNeeded(async () => {
    const built = await run("npm", ["run", "--silent", "build"], { cwd: ROOT });
    expect(built.code).toBe(0);
  });
  let builds = 0;
  await buildIfNeeded(async () => void builds++);
  expect(builds).toBe(0);
});
