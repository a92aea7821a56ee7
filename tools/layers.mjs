/** An ESLint rule that restricts which folders of `src` may import each other. */
import path from "node:path";
import { ROOT } from "./paths.mjs";

const GENERATED = "src/component/_generated";
const TABLES = [GENERATED, "src/component/schema.ts"];

/**
 * Lists the folders that a folder may import besides itself. It may import only types from `types`. A file's longest
 * matching folder counts. Within the engine, rooms depend downward only.
 *
 * @type {Record<string, { values: string[], types?: string[] }>}
 */
const LAYERS = {
  "src/component": { values: ["src/engine", "src/shared"] },
  "src/engine/lifecycle": engineRoom("turn", "step", "run", "platform"),
  "src/engine/driver": engineRoom("turn", "step", "run", "platform"),
  "src/engine/turn": engineRoom("step", "run", "platform"),
  "src/engine/step": engineRoom("run", "platform"),
  "src/engine/run": engineRoom("platform"),
  "src/engine/platform": engineRoom(),
  "src/client": {
    values: ["src/shared"],
    types: [GENERATED, "src/engine"],
  },
  "src/client/replay": { values: ["src/shared"] },
  // The console runs in browsers, so it imports only types from code that runs in Convex.
  "src/react": { values: [], types: ["src/client", "src/shared"] },
  "src/shared": { values: [] },
  "src/testHelpers": { values: ["src/shared"], types: [GENERATED] },
};

function engineRoom(...rooms) {
  const below = rooms.map((room) => `src/engine/${room}`);
  return { values: [...below, "src/shared", ...TABLES] };
}

const isIn = (file, folder) => file === folder || file.startsWith(`${folder}/`);

function layerOf(file) {
  return Object.keys(LAYERS)
    .filter((folder) => isIn(file, folder))
    .sort((a, b) => b.length - a.length)[0];
}

/** @type {import("eslint").Rule.RuleModule} */
const imports = {
  create(context) {
    const importer = path
      .relative(ROOT, context.filename)
      .replaceAll(path.sep, "/");
    const layer = layerOf(importer);
    if (!layer) return {};
    const { values, types = [] } = LAYERS[layer];
    const check = (node, isType) => {
      const specifier = node.source?.value;
      if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
      const imported = path.posix
        .join(path.posix.dirname(importer), specifier)
        .replace(/\.js$/, ".ts");
      const allowed = [layer, ...values, ...(isType ? types : [])];
      if (allowed.some((folder) => isIn(imported, folder))) return;
      context.report({
        node,
        message: `${layer} may import ${isType ? "types of" : "nothing but"} ${allowed.join(", ")}: see tools/layers.mjs.`,
      });
    };
    return {
      ImportDeclaration: (node) => check(node, node.importKind === "type"),
      ExportNamedDeclaration: (node) => check(node, node.exportKind === "type"),
      ExportAllDeclaration: (node) => check(node, node.exportKind === "type"),
      ImportExpression: (node) => check(node, false),
      TSImportType: (node) => check(node, true),
    };
  },
};

export const layers = { rules: { imports } };
