/** Type-checks the assembled apps as a strict Convex app would be, against the installed package. */
import path from "node:path";
import ts from "typescript";

const OPTIONS = {
  strict: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noFallthroughCasesInSwitch: true,
  isolatedModules: true,
  skipLibCheck: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: [],
  jsx: ts.JsxEmit.ReactJSX,
};

export function createProgram(files) {
  return ts.createProgram(files, OPTIONS);
}

/** Reports type errors at their place in the document. */
export function reportTypeErrors(program, origins, problems) {
  const all = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program
      .getSourceFiles()
      .filter((file) => !file.fileName.includes("node_modules"))
      .flatMap((file) => [
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]),
  ];
  for (const { file, start, messageText } of all) {
    const text = ts.flattenDiagnosticMessageText(messageText, "\n  ");
    if (!file) {
      problems.add({ source: "tools/docs" }, text);
      continue;
    }
    const { line } = file.getLineAndCharacterOfPosition(start);
    const origin = origins.get(path.normalize(file.fileName));
    problems.add(
      origin
        ? { source: origin.source, line: origin.line + line }
        : { source: file.fileName, line: line + 1 },
      text,
    );
  }
}
