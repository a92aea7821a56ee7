/** Reads the exports of the installed package with the TypeScript compiler. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "../paths.mjs";

/** Returns the entry points with exports, each with the file of its types or source. */
export async function entryPoints(installed) {
  const packageJson = JSON.parse(
    await readFile(path.join(installed, "package.json"), "utf8"),
  );
  return Object.entries(packageJson.exports)
    .filter(([entry]) => entry !== "./package.json")
    .map(([entry, target]) => ({
      entry: `${packageJson.name}${entry.slice(1)}`,
      file: path.join(
        installed,
        typeof target === "string" ? target : target.types,
      ),
    }));
}

/** Returns all exports of an entry point, with the repository's file or the package that defines each. */
export function exportsOf(program, installed, { file }) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`Not a module: ${file}`);
  return checker.getExportsOfModule(module).map((exported) => {
    const symbol =
      exported.flags & ts.SymbolFlags.Alias
        ? checker.getAliasedSymbol(exported)
        : exported;
    const [declaration] = symbol.declarations ?? [];
    return {
      name: exported.name,
      symbol,
      isValue: (symbol.flags & ts.SymbolFlags.Value) !== 0,
      definedIn: definedIn(declaration.getSourceFile().fileName, installed),
      documentation: ts.displayPartsToString(
        symbol.getDocumentationComment(checker),
      ),
    };
  });
}

function definedIn(file, installed) {
  const inPackage = path.relative(installed, file);
  if (!inPackage.startsWith("..")) {
    const source = inPackage.replace(/^dist\//, "src/").replace(".d.ts", ".ts");
    return existsSync(path.join(ROOT, source)) ? source : `${source}x`;
  }
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)[1];
}

/** Returns the public members of a class or an interface, with their documentation. */
export function membersOf(program, symbol) {
  const checker = program.getTypeChecker();
  return checker
    .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
    .map((member) => ({
      name: member.name,
      isMethod: (member.flags & ts.SymbolFlags.Method) !== 0,
      documentation: ts.displayPartsToString(
        member.getDocumentationComment(checker),
      ),
    }));
}
