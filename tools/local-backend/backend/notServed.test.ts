// @vitest-environment node
import { expect, test } from "vitest";
import { notServed } from "./notServed.mjs";

const module = (path: string, source = "") => ({ path, source });

function missing(
  changedModules: object[],
  { definition = {}, tables = [] as object[] } = {},
) {
  const app = {
    definition: { childComponents: [], httpMounts: {}, ...definition },
    schema: { tables },
  };
  return notServed(
    { appDefinition: { changedModules } },
    { analysis: { "": app } },
  );
}

test("an ordinary app is served whole", () => {
  const tables = [{ tableName: "a", vectorIndexes: [] }];
  const definition = { childComponents: [{ name: "workflow", env: [] }] };
  const modules = [module("a.js", 'ctx.db.get(id); storage = "x"')];
  expect(missing(modules, { tables, definition })).toEqual([]);
});

test.each([
  ["crons", missing([module("crons.js")])],
  ["file storage", missing([module("a.js", "await ctx.storage.store(blob)")])],
  [
    "vector indexes (of b)",
    missing([], {
      tables: [{ tableName: "a" }, { tableName: "b", vectorIndexes: [{}] }],
    }),
  ],
  ["providers of auth.config.ts", missing([module("auth.config.js")])],
  [
    "HTTP routes of components",
    missing([], { definition: { httpMounts: { "/a": "b" } } }),
  ],
  [
    "environment variables of components (mailer)",
    missing([], {
      definition: { childComponents: [{ name: "mailer", env: [["KEY", {}]] }] },
    }),
  ],
])("%s are reported as missing", (what, said) => {
  expect(said).toEqual([expect.stringContaining(what)]);
});
