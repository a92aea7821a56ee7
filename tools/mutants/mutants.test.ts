// @vitest-environment node
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../paths.mjs";
import { DEFECTS } from "./defects.mjs";

const read = (file: string) => readFile(path.join(ROOT, file), "utf8");

test("each defect changes a text that its file holds once, so `npm run mutants` can apply it", async () => {
  const stale = [];
  for (const { name, file, find } of DEFECTS) {
    const found = (await read(file)).split(find).length - 1;
    if (found !== 1) stale.push(`${name}: ${found} times in ${file}`);
  }
  expect(stale).toEqual([]);
});
