// @vitest-environment node
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { withTempDir } from "../tempDir.mjs";
import { withLock } from "./lock.mjs";

test("users of a lock take turns, even after one fails", async () => {
  await withTempDir(async (dir: string) => {
    const file = path.join(dir, "cache/lock");
    const log: string[] = [];
    const use = (name: string) => async () => {
      log.push(`${name} starts`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      log.push(`${name} ends`);
    };
    const failing = withLock(file, async () => {
      await use("first")();
      throw new Error("failed");
    });
    await Promise.all([
      expect(failing).rejects.toThrow("failed"),
      withLock(file, use("second")),
      withLock(file, use("third")),
    ]);
    const names = log.map((line) => line.split(" ")[0]);
    expect(names.map((name, i) => name === names[i ^ 1])).toEqual(
      Array(6).fill(true),
    );
    expect(existsSync(file)).toBe(false);
  });
});

test("the lock of an exited process is free", async () => {
  await withTempDir(async (dir: string) => {
    const file = path.join(dir, "lock");
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    await writeFile(file, `${pid}`);
    expect(await withLock(file, async () => "used")).toBe("used");
  });
});
