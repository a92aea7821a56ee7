// @vitest-environment node
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../paths.mjs";
import { DEFECTS } from "./defects.mjs";

const read = (file: string) => readFile(path.join(ROOT, file), "utf8");

test("each defect changes a text that occurs once in its file, and names an existing test file", async () => {
  const stale = [];
  for (const { name, file, find, killedBy } of DEFECTS) {
    await read(killedBy.file);
    const found = (await read(file)).split(find).length - 1;
    if (found !== 1) stale.push(`${name}: ${found} times in ${file}`);
  }
  expect(stale).toEqual([]);
});
