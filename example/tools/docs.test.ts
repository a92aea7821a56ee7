// @vitest-environment node
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { EXAMPLE, ROOT } from "./paths.mjs";

const DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];

const read = (file: string) => readFile(path.join(ROOT, file), "utf8");

async function exists(file: string) {
  try {
    await access(path.join(ROOT, file));
    return true;
  } catch {
    return false;
  }
}

test("code in README.md is code of the example, which is type-checked and tested", async () => {
  const readme = await read("README.md");
  const blocks = [...readme.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)];
  expect(blocks.map(([, file]) => file)).toEqual([
    "convex/convex.config.ts",
    "convex/welcome.ts",
  ]);
  expect(readme.match(/```ts/g)).toHaveLength(blocks.length);
  for (const [, file, code] of blocks) {
    const source = await readFile(path.join(EXAMPLE, file!), "utf8");
    // The file may begin with a note on where it is shown.
    expect(source.replace(/^\/\/ .*\n/, ""), file).toBe(code);
  }
});

test.each(DOCUMENTS)("%s names files that exist", async (document) => {
  const named = (await read(document)).matchAll(
    /`((?:src|example)\/[\w./-]+|[A-Z]+\.md)`/g,
  );
  const missing: string[] = [];
  for (const [, file] of named) if (!(await exists(file!))) missing.push(file!);
  expect(missing).toEqual([]);
});

test.each(DOCUMENTS)("%s names npm scripts that exist", async (document) => {
  const { scripts } = JSON.parse(await read("package.json")) as {
    scripts: Record<string, string>;
  };
  const named = (await read(document)).matchAll(/npm run ([\w:]+)/g);
  for (const [, script] of named)
    expect(Object.keys(scripts)).toContain(script);
});
