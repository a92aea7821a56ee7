/** The result of `import.meta.glob`, a loader for each path. */
export type Modules = Record<string, () => Promise<unknown>>;

/**
 * Loads modules in advance, by their names within the component. Otherwise a slow import during a test
 * would look like an idle deployment.
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

/** Finds the root as convex-test does. */
function rootOf(paths: string[]): string {
  const generated = paths.find((path) => path.includes("_generated"));
  if (generated === undefined)
    throw new Error(`No _generated folder among ${paths.join(", ")}`);
  return generated.slice(0, generated.indexOf("_generated"));
}

/** Returns modules with the given names. Each loads the module that is current when it is called. */
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
