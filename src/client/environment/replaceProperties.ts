/**
 * Calls each function, which changes something and returns a function that restores it. The returned function restores
 * everything. If a change fails, those before it are restored.
 */
export function changeAll(changes: (() => () => void)[]): () => void {
  const restorers: (() => void)[] = [];
  const restore = () => restoreAll(restorers);
  try {
    for (const change of changes) restorers.unshift(change());
  } catch (error) {
    restore();
    throw error;
  }
  return restore;
}

/**
 * Replaces the values of properties. The returned function restores each
 * exactly, even if it changed meanwhile.
 */
export const replaceProperties = (
  target: object,
  values: readonly (readonly [name: string, value: unknown])[],
): (() => void) =>
  changeAll(
    values.map(
      ([name, value]) =>
        () =>
          replaceProperty(target as Record<string, unknown>, name, value),
    ),
  );

/** Whether the properties still have their replacement values. */
export function areInPlace(
  target: object,
  values: (readonly [name: string, value: unknown])[],
): boolean {
  for (let at = 0; at < values.length; at++) {
    const [name, value] = values[at]!;
    if ((target as Record<string, unknown>)[name] !== value) return false;
    if (value === undefined && !hasOwn(target, name)) return false;
  }
  return true;
}

const { hasOwn } = Object;

/** Continues after a property that can't be restored, and throws at the end. */
function restoreAll(restorers: (() => void)[]): void {
  const errors: unknown[] = [];
  for (const restore of restorers) {
    try {
      restore();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/**
 * Assigns if possible, because convex-test keeps the values of some globals
 * apart for each function call with accessors that `Object.defineProperty` would
 * bypass. A property that is neither writable nor configurable keeps its value.
 */
function replaceProperty(
  target: Record<string, unknown>,
  name: string,
  value: unknown,
): () => void {
  const original = Object.getOwnPropertyDescriptor(target, name);
  if (original === undefined) {
    define(target, name, value, false);
    return () => Reflect.deleteProperty(target, name);
  }
  const redefine = () => Object.defineProperty(target, name, original);
  if (original.writable) {
    target[name] = value;
    return redefine;
  }
  if (original.set !== undefined) {
    const previous = target[name];
    if (assign(target, name, value)) {
      // Node's lazy globals become data properties once they are assigned.
      if (!isInPlace(target, name, original)) return redefine;
      return () => {
        if (!isInPlace(target, name, original)) redefine();
        target[name] = previous;
      };
    }
  }
  if (original.configurable) {
    define(target, name, value, original.enumerable);
    return redefine;
  }
  return () => {};
}

function define(
  target: object,
  name: string,
  value: unknown,
  enumerable?: boolean,
): void {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    enumerable,
    configurable: true,
  });
}

/** Whether the setter accepted the value. Some throw, and some ignore it. */
function assign(
  target: Record<string, unknown>,
  name: string,
  value: unknown,
): boolean {
  try {
    target[name] = value;
  } catch {
    return false;
  }
  return Object.is(target[name], value);
}

function isInPlace(
  target: object,
  name: string,
  accessor: PropertyDescriptor,
): boolean {
  const current = Object.getOwnPropertyDescriptor(target, name);
  return current?.get === accessor.get && current?.set === accessor.set;
}
