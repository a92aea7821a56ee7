/**
 * A copy of an object whose methods don't need it as their `this`, with other
 * values for some of its properties.
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
