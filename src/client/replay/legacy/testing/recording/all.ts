import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { cases } from "../cases.js";
import { pack, type Golden } from "../golden.js";
import { useDeployments } from "../time.js";
import { record } from "./record.js";

// `npm run record:legacy` records the golden journals again. They must not change.

const folder = fileURLToPath(new URL("../golden/", import.meta.url));

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});
useDeployments();

test.each(cases)("$name", async (which) => {
  const golden = await record(which);
  expect(golden.boundaries.length).toBeGreaterThan(0);
  writeFileSync(`${folder}${which.name}.json`, textOf(pack(golden)));
});

/** Puts each row on its own line, so you can read and compare them. */
const textOf = (golden: Golden) =>
  `${JSON.stringify(golden).replaceAll('{"_creationTime"', '\n{"_creationTime"')}\n`;
