/**
 * Copies an object and replaces some of its properties. Its methods must not
 * need the original as their `this`.
 */
export function withProperties<T extends object>(
  original: T,
  values: Record<string, unknown>,
): T {
  const properties: PropertyDescriptorMap =
    Object.getOwnPropertyDescriptors(original);
  for (const [name, value] of Object.entries(values))
    properties[name] = { ...properties[name], value };
  return Object.create(
    Object.getPrototypeOf(original) as object,
    properties,
  ) as T;
}
