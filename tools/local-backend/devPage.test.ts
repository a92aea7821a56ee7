// @vitest-environment node
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { EXAMPLE, ROOT } from "../paths.mjs";
import { servePage } from "./devPage.mjs";

const BACKEND = "http://127.0.0.1:3210";

test("the example's page and its console are served with the backend's URL, from this package's sources", async () => {
  const page = (await servePage({ app: EXAMPLE, url: BACKEND }))!;
  try {
    const text = async (file: string) => {
      const response = await fetch(page.url + file, {
        headers: { Accept: "text/html,*/*" },
      });
      expect(response.status, file).toBe(200);
      return await response.text();
    };
    for (const file of ["/", "/console"])
      expect(await text(file)).toContain('src="/src/main.tsx"');
    expect(await text("/src/main.tsx")).toContain(BACKEND);
    const source = await text("/src/Console.tsx");
    const imported = /"([^"]*\/react\/index\.ts[^"]*)"/.exec(source)?.[1];
    expect(existsSync(path.join(ROOT, "src/react/index.ts"))).toBe(true);
    expect(await text(imported!)).toContain("WorkflowConsole");
  } finally {
    await page.close();
  }
  await expect(fetch(page.url)).rejects.toThrow();
});

test("an app without an index.html has no page", async () => {
  const app = path.join(ROOT, "tools/packed-app");
  expect(await servePage({ app, url: BACKEND })).toBeUndefined();
});
