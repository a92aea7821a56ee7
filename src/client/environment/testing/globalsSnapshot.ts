/** The descriptors of all properties that a handler's environment may change. */
export type GlobalsSnapshot = Map<string, PropertyDescriptor>;

/** Records property descriptors without reading any value. */
export function snapshotGlobals(): GlobalsSnapshot {
  const snapshot: GlobalsSnapshot = new Map();
  record(snapshot, "globalThis", globalThis);
  record(snapshot, "Date", Date);
  record(snapshot, "Date.prototype", Date.prototype);
  record(snapshot, "Math", Math);
  record(snapshot, "Promise", Promise);
  record(snapshot, "console", console);
  const { Convex: convex } = globalThis as { Convex?: object };
  if (convex) record(snapshot, "Convex", convex);
  return snapshot;
}

function record(snapshot: GlobalsSnapshot, path: string, object: object): void {
  for (const key of Reflect.ownKeys(object)) {
    snapshot.set(
      `${path}.${String(key)}`,
      Object.getOwnPropertyDescriptor(object, key)!,
    );
  }
  snapshot.set(`${path}.__proto__`, {
    value: Object.getPrototypeOf(object) as unknown,
  });
}

/** The paths of the properties that differ in any attribute. */
export function differences(a: GlobalsSnapshot, b: GlobalsSnapshot): string[] {
  const paths = new Set([...a.keys(), ...b.keys()]);
  return [...paths].filter((path) => !same(a.get(path), b.get(path))).sort();
}

function same(a?: PropertyDescriptor, b?: PropertyDescriptor): boolean {
  const attributes = [
    "value",
    "get",
    "set",
    "writable",
    "enumerable",
    "configurable",
  ] as const;
  return (
    a !== undefined &&
    b !== undefined &&
    attributes.every((name) =>
      Object.is(Reflect.get(a, name), Reflect.get(b, name)),
    )
  );
}
