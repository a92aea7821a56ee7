/**
 * Completes a block to a file that compiles. Adds missing imports, and wraps statements that belong in a function.
 * All additions go on one line before the block, so that line numbers shift by a constant.
 */
import ts from "typescript";

/** Modules of the names that a block may use without an import, besides the package's own. */
const FROM = {
  "convex/values": ["v", "ConvexError"],
  "convex/server": [
    "createFunctionHandle",
    "paginationOptsValidator",
    "type PaginationResult",
    "type PaginationOptions",
    "type FunctionReference",
    "type FunctionVisibility",
    "type FunctionHandle",
    "type RegisteredMutation",
    "type ArgsAndOptions",
    "type FunctionReturnType",
    "type GenericDataModel",
    "type GenericQueryCtx",
  ],
  "convex/values#types": [
    "type ObjectType",
    "type Infer",
    "type Value",
    "type PropertyValidators",
    "type Validator",
    "type VObject",
  ],
  "@convex-dev/workpool": ["type WorkId"],
  "convex-test": ["convexTest"],
  vitest: ["expect", "test", "vi", "beforeEach", "afterEach", "describe"],
  "./_generated/api.js": ["api", "components", "internal"],
  "./_generated/server.js": [
    "query",
    "mutation",
    "action",
    "internalQuery",
    "internalMutation",
    "internalAction",
    "type MutationCtx",
    "type QueryCtx",
    "type ActionCtx",
  ],
  "./workflow.js": ["workflow"],
};

/** The parameters of the function that wraps statements, so that they may use these names. */
const PARAMETERS = {
  step: 'import("@convex-dev/workflow").WorkflowCtx',
  ctx: 'import("./_generated/server.js").MutationCtx',
  workflowId: 'import("@convex-dev/workflow").WorkflowId',
};

/** @param {{ entry: string, values: string[], types: string[] }[]} packageExports By entry point. The first wins. */
export function createCompleter(packageExports) {
  const sources = new Map();
  for (const { entry, values, types } of [...packageExports].reverse()) {
    for (const name of types) sources.set(name, [entry, true]);
    for (const name of values) sources.set(name, [entry, false]);
  }
  for (const [module, names] of Object.entries(FROM))
    for (const name of names) {
      const bare = name.replace(/^type /, "");
      sources.set(bare, [module.replace(/#.*/, ""), bare !== name]);
    }
  return { completeFile, completeFragment, completeDeclarations };

  function completeFile(code) {
    const { free } = namesIn(code);
    return { code: `${importsOf(free)}\n${code}`, addedLines: 1 };
  }

  function completeFragment(code) {
    const { free, isModule } = namesIn(code);
    if (isModule) return completeFile(code);
    const parameters = Object.entries(PARAMETERS)
      .filter(([name]) => free.has(name))
      .map(([name, type]) => `${name}: ${type}`);
    const head = `${importsOf(free)} export async function fragment(${parameters.join(", ")}) {`;
    return { code: `${head}\n${code}\n}`, addedLines: 1 };
  }

  /**
   * Declarations that must equal the package's of the same names. Generic ones are compared with the type arguments
   * in `flags`, if any.
   */
  function completeDeclarations(code, flags) {
    const { free, declarations } = namesIn(code);
    const entryOf = (name) =>
      packageExports.findIndex(({ entry }) => entry === sources.get(name)?.[0]);
    const exported = declarations.filter(({ name }) => entryOf(name) >= 0);
    const checks = exported.map(({ name, isType, required }) => {
      const said = flags.find((flag) => flag.startsWith(`${name}<`));
      const given =
        said?.slice(name.length) ??
        (required.length > 0 ? `<${required.join(", ")}>` : "");
      const pkg = `pkg${entryOf(name)}`;
      const [mine, theirs] = isType
        ? [`${name}${given}`, `${pkg}.${name}${given}`]
        : [
            `typeof ${name}${said ? given : ""}`,
            `typeof ${pkg}.${name}${said ? given : ""}`,
          ];
      // Keep each on one line, so that an error points to the declaration.
      return [
        `export const allOf_${name}: ${theirs} = null! as ${mine};`,
        `export const only_${name}: ${mine} = null! as ${theirs};`,
      ].join(" ");
    });
    const packages = packageExports.map(
      ({ entry }, at) => `import type * as pkg${at} from "${entry}";`,
    );
    const head = [importsOf(free), ...packages].join(" ");
    return {
      code: `${head}\n${code}\n${checks.join("\n")}\nexport {};`,
      addedLines: 1,
      declared: exported.map(({ name }) => name),
    };
  }

  function importsOf(free) {
    return [...free]
      .filter((name) => sources.has(name))
      .map((name) => {
        const [module, isType] = sources.get(name);
        return `import ${isType ? "type " : ""}{ ${name} } from "${module}";`;
      })
      .join(" ");
  }
}

/** Returns the names that a block uses but doesn't declare, and the kind of block. */
export function namesIn(code) {
  const file = ts.createSourceFile("block.ts", code, ts.ScriptTarget.ES2022);
  const used = new Set();
  const declared = new Set();
  const visit = (node) => {
    if (ts.isIdentifier(node)) used.add(node.text);
    if (ts.isPropertyAccessExpression(node)) {
      visit(node.expression);
      return;
    }
    if (ts.isPropertyAssignment(node)) {
      visit(node.initializer);
      return;
    }
    if (node.name && ts.isIdentifier(node.name) && declares(node))
      declared.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  const isModule = file.statements.some(
    (node) =>
      ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node) ||
      node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
  );
  const free = new Set([...used].filter((name) => !declared.has(name)));
  return { free, isModule, declarations: declarationsIn(file) };
}

const declares = (node) =>
  ts.isVariableDeclaration(node) ||
  ts.isParameter(node) ||
  ts.isBindingElement(node) ||
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeParameterDeclaration(node) ||
  ts.isImportSpecifier(node) ||
  ts.isImportClause(node) ||
  ts.isNamespaceImport(node);

function declarationsIn(file) {
  const found = new Map();
  for (const node of file.statements) {
    const names = ts.isVariableStatement(node)
      ? node.declarationList.declarations.map(({ name }) => name.text)
      : node.name
        ? [node.name.text]
        : [];
    const isType =
      ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node);
    for (const name of names)
      found.set(name, { name, isType, required: requiredOf(node) });
  }
  return [...found.values()];
}

/** Returns an argument for each type parameter without a default. */
const requiredOf = (node) =>
  (node.typeParameters ?? [])
    .filter((parameter) => !parameter.default)
    .map(() => '{ a: import("convex/values").VString }');
