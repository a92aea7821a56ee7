/** As `import.meta.glob` gives them: what loads each module, by its path. */
export type Modules = Record<string, () => Promise<unknown>>;

/**
 * Modules that are loaded already, by their names within the component. An import that took time in
 * the midst of a test would look as if nothing were going on.
 */
export async function preload(modules: Modules): Promise<Modules> {
  const root = rootOf(Object.keys(modules));
  const loaded: Modules = {};
  for (const [path, load] of Object.entries(modules)) {
    if (/\.test\.|\.d\.ts$|convex\.config/.test(path)) continue;
    const module = await load();
    const name = path.slice(root.length).replace(/\.[^.]+$/, "");
    loaded[name] = () => Promise.resolve(module);
  }
  return loaded;
}

/** As convex-test finds it. */
function rootOf(paths: string[]): string {
  const generated = paths.find((path) => path.includes("_generated"));
  if (generated === undefined)
    throw new Error(`No _generated folder among ${paths.join(", ")}`);
  return generated.slice(0, generated.indexOf("_generated"));
}

/** Modules of the given names, each of which is looked up in what is current when it is called. */
export function lookedUp(names: string[], current: () => Modules): Modules {
  return Object.fromEntries(
    names.map((name) => [
      `./${name}.ts`,
      async () => {
        const load = current()[name];
        if (!load) throw new Error(`This release has no module "${name}"`);
        return await load();
      },
    ]),
  );
}
