/** Bundles of apps, which all test files share, because the CLI takes seconds for each. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { ROOT } from "../../paths.mjs";
import { pushRequest } from "../../pushRequest.mjs";
import { withLock } from "../lock.mjs";

declare module "vitest" {
  interface ProvidedContext {
    bundles: string;
  }
}

/** Vitest calls it once. It provides the folder with the bundles until sources change or the tests end. */
export default async function setup(project: TestProject) {
  const newFolder = () => mkdtemp(path.join(os.tmpdir(), "bundles-"));
  const folders = [await newFolder()];
  project.provide("bundles", folders[0]!);
  project.onTestsRerun(async () => {
    const folder = await newFolder();
    folders.push(folder);
    project.provide("bundles", folder);
  });
  return async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  };
}

/** Returns the CLI's bundle of an app in this repository. The first caller creates it. */
export async function bundleIn(folder: string, app: string): Promise<object> {
  const file = path.join(folder, `${app.replaceAll("/", "_")}.json`);
  return await withLock(`${file}.lock`, async () => {
    if (existsSync(file))
      return JSON.parse(await readFile(file, "utf8")) as object;
    // Use this package's sources, whether or not they are built.
    const options = { app: path.join(ROOT, app), liveSources: true };
    const push = (await pushRequest(options)) as object;
    await writeFile(`${file}.part`, JSON.stringify(push));
    await rename(`${file}.part`, file);
    return push;
  });
}
